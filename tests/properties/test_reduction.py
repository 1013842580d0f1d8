"""On generated programs, the reduction loses no outcome, repeats no class, and rests on dependences that are true."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.engine.strategies.brute_force import BruteForce
from tests.exploring import UNBOUNDED, run_all
from tests.oracle import (
    Oracle,
    TooManyStatesError,
    by_dependence,
    by_meaning,
    classes_by_swapping,
    misjudged,
)
from tests.programs import FAMILIES, ProgramMaker, ProgramText

MIXES = (
    ("memory",),
    ("guarded", "memory"),
    ("lock", "memory"),
    ("rlock", "lock"),
    ("semaphore", "bounded"),
    ("condition", "event"),
    ("queue", "lock"),
    ("joinable", "simple"),
    ("pool",),
    ("pool", "other"),
    ("ordered", "event"),
    ("referent", "lock"),
    ("managed", "referent"),
    ("manager", "referent", "managed"),
    ("pipe",),
    ("one_way",),
    ("pipe", "one_way", "child"),
    ("one_way", "other", "child"),
    ("child", "memory", "lock"),
    ("child", "other", "queue"),
    ("thread", "memory", "lock"),
    ("thread", "other", "queue"),
    ("thread", "rlock", "guarded"),
    ("thread", "child", "queue"),
    ("thread", "joinable", "simple"),
    ("thread", "condition", "event"),
    FAMILIES,
)

few = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@st.composite
def programs(draw: st.DrawFn, families: Sequence[str]) -> ProgramText:
    maker = ProgramMaker(lambda options: draw(st.sampled_from(options)), families)
    return maker.program(tasks=(2, 2, 2, 3), length=(1, 2, 2, 3))


def truth_about(program: ProgramText, at_most: int) -> Oracle:
    """The oracle; examples with more than so many interleavings are passed over."""
    try:
        oracle = Oracle(program.objects, program.scripts(), most_states=400)
        small = oracle.count_interleavings() <= at_most
    except TooManyStatesError:
        small = False
    assume(small)
    return oracle


@pytest.mark.parametrize("families", MIXES, ids="+".join)
def test_dpor_finds_every_outcome_and_executes_every_class_once(families: Sequence[str]) -> None:
    @few
    @given(program=programs(families))
    def check(program: ProgramText) -> None:
        oracle = truth_about(program, 1_500)
        explored = run_all(program.objects, program.scripts(), tasks=oracle.tasks)
        assert explored.total.stopped is StopReason.EXHAUSTED
        assert explored.endings == oracle.endings()
        assert explored.total.traces == len(oracle.normal_forms())
        assert explored.total.pruned == 0

    check()


@pytest.mark.parametrize("families", MIXES, ids="+".join)
def test_steps_called_independent_do_commute(families: Sequence[str]) -> None:
    @few
    @given(program=programs(families))
    def check(program: ProgramText) -> None:
        assert misjudged(truth_about(program, 20_000)) == []

    check()


@few
@given(program=programs(FAMILIES))
def test_both_ways_of_counting_classes_agree_and_meaning_never_needs_more(program: ProgramText) -> None:
    oracle = truth_about(program, 150)
    under_dependence = classes_by_swapping(oracle, by_dependence)
    assert under_dependence == len(oracle.normal_forms())
    assert classes_by_swapping(oracle, by_meaning) <= under_dependence


@few
@given(program=programs(FAMILIES))
def test_brute_force_makes_every_interleaving(program: ProgramText) -> None:
    oracle = truth_about(program, 150)
    explored = run_all(program.objects, program.scripts(), BruteForce(bounds=UNBOUNDED), tasks=oracle.tasks)
    assert explored.total.traces == oracle.count_interleavings()
    assert {execution.schedule for execution in explored.executions} == {
        tuple(step.task for step in steps) for steps in oracle.interleavings()
    }
    assert explored.endings == oracle.endings()


@few
@given(program=programs(FAMILIES))
def test_a_deadlock_is_reported_exactly_where_a_process_is_left(program: ProgramText) -> None:
    explored = run_all(program.objects, program.scripts(), budget=Budget(executions=50, steps=500))
    for execution in explored.executions:
        left = [task for task in execution.pending if not explored.tasks.is_feeder(task)]
        assert execution.outcome.kind is (OutcomeKind.DEADLOCK if left else OutcomeKind.COMPLETED)
