"""What each strategy promises: bounds, budgets, repeatability, the same schedule again."""

import math
from collections.abc import Generator
from itertools import combinations, pairwise

import pytest

from grader.core.execution import NO_LIMIT, Budget, Claim, OutcomeKind, StopReason
from grader.core.operations import Operation, OperationKind, Result
from grader.engine.explorer import explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.brute_force import BruteForce
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.random_walk import PCT, RandomWalk
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.engine.waits import Bounds
from tests.exploring import PLENTY, Explored, run_all, truth
from tests.litmus import classics
from tests.programs import acquire, lock_state, memory_state, read, release, script_of, write

STEPS = 3
"""How many steps a task of `beside` makes, its exit included."""


def beside(tasks: int) -> classics.Classic:
    """Tasks that never wait."""

    def script() -> Generator[Operation, Result, None]:
        yield write(b"\1")
        yield read()

    return classics.Classic({1: memory_state(b"\0")}, [script] * tasks)


def switches(schedule: tuple[int, ...]) -> int:
    """How often another task goes on, though the last one has not made all its steps."""
    left = dict.fromkeys(schedule, STEPS)
    count = 0
    for here, after in pairwise(schedule):
        left[here] -= 1
        count += int(here != after and left[here] > 0)
    return count


def all_schedules() -> set[tuple[int, ...]]:
    return {
        tuple(0 if k in places else 1 for k in range(2 * STEPS))
        for places in combinations(range(2 * STEPS), STEPS)
    }


@pytest.mark.parametrize("bound", [0, 1, 2, 3, 4, 9])
def test_a_preemption_bound_gives_exactly_the_schedules_with_so_few(bound: int) -> None:
    explored = run_all(*beside(2), BruteForce(bound))
    expected = {schedule for schedule in all_schedules() if switches(schedule) <= bound}
    assert [len({e.schedule for e in explored.executions}), len(explored.executions)] == [len(expected)] * 2
    assert {execution.schedule for execution in explored.executions} == expected


def test_waiting_is_no_preemption() -> None:
    explored = run_all(*classics.locked_counter(2, 1), BruteForce(0))
    assert {execution.schedule[0] for execution in explored.executions} == {0, 1}
    assert len(explored.executions) == 2


def test_only_an_unbounded_search_calls_itself_exhaustive() -> None:
    assert run_all(*beside(2), BruteForce()).total.stopped is StopReason.EXHAUSTED
    assert run_all(*beside(2), BruteForce(1)).total.stopped is StopReason.EXECUTIONS


@pytest.mark.parametrize("tasks", [2, 3])
def test_brute_force_makes_as_many_executions_as_there_are_interleavings(tasks: int) -> None:
    count = math.factorial(tasks * STEPS) // math.factorial(STEPS) ** tasks
    assert run_all(*beside(tasks), BruteForce()).total.executions == count


@pytest.mark.parametrize("strategy", [PCT, RandomWalk])
def test_random_schedules_repeat_with_their_seed(strategy: type[PCT] | type[RandomWalk]) -> None:
    def schedules(seed: int) -> list[tuple[int, ...]]:
        explored = run_all(*classics.unlocked_counter(3, 2), strategy(seed, 20))
        assert explored.total.executions == 20
        assert explored.total.stopped is StopReason.EXECUTIONS
        return [execution.schedule for execution in explored.executions]

    assert schedules(1) == schedules(1)
    assert schedules(1) != schedules(2)


@pytest.mark.parametrize("strategy", [PCT(3, 200), RandomWalk(3, 200)])
def test_random_schedules_find_a_lost_update_and_only_true_endings(strategy: Strategy) -> None:
    program = classics.unlocked_counter(2, 1)
    explored = run_all(*program, strategy)
    endings = truth(*program, explored).endings()
    assert explored.endings <= endings
    assert len(explored.endings) == len(endings)


def paths(explored: Explored, schedule: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [explored.tasks.path(task) for task in schedule]


def test_a_replay_repeats_an_execution_to_the_step() -> None:
    program = classics.sentinels(2, 2)
    explored = run_all(*program)
    for execution in explored.executions[:20]:
        again = run_all(*program, Replay(paths(explored, execution.schedule)), tasks=explored.tasks)
        assert [e.trace for e in again.executions] == [execution.trace]
        assert again.executions[0].outcome == execution.outcome


def test_a_replay_goes_on_by_itself_behind_the_end_of_its_schedule() -> None:
    again = run_all(*beside(2), Replay([(2,)]))
    assert again.executions[0].schedule == (1, 1, 1, 0, 0, 0)


def test_a_replay_of_another_program_diverges() -> None:
    explored = run_all(*beside(2), Replay([(1,), (3,)]))
    assert explored.executions[0].outcome.kind is OutcomeKind.DIVERGED
    assert len(explored.executions[0].trace) == 1


class Fickle:
    """A program that does something else every other time."""

    def __init__(self) -> None:
        self.runs = 0

    def script(self) -> Script:
        def steps() -> Generator[Operation, Result, None]:
            self.runs += 1
            yield read()
            yield write(bytes([self.runs % 2]))

        return steps


def test_dpor_notices_that_a_program_does_not_repeat_itself() -> None:
    program = Fickle()
    explored = run_all({1: memory_state(b"\0")}, [program.script(), classics.readers(1).scripts[0]])
    diverged = [e for e in explored.executions if e.outcome.kind is OutcomeKind.DIVERGED]
    assert diverged
    assert "memory.write" in diverged[0].outcome.detail


def test_what_diverges_is_never_exhausted_and_not_tried_for_ever() -> None:
    runs = 0

    def once_different() -> Generator[Operation, Result, None]:
        nonlocal runs
        runs += 1
        if runs > 1:
            yield read()
        yield write(b"\1")

    objects = {1: memory_state(b"\0")}
    reader = classics.readers(1).scripts[1]
    explored = run_all(
        objects, [once_different, reader], budget=Budget(executions=20, seconds=math.inf, steps=50)
    )
    assert explored.kinds == {OutcomeKind.COMPLETED: 1, OutcomeKind.DIVERGED: 1}
    assert explored.total.stopped is not StopReason.EXHAUSTED


BIG = classics.unlocked_counter(3, 3)


def test_the_budget_of_executions_is_kept() -> None:
    total = run_all(*BIG, budget=Budget(executions=7)).total
    assert (total.executions, total.stopped) == (7, StopReason.EXECUTIONS)


def test_the_budget_of_seconds_is_kept() -> None:
    total = run_all(*BIG, budget=Budget(executions=10**6, seconds=0.0)).total
    assert (total.executions, total.stopped) == (1, StopReason.SECONDS)


def test_an_execution_that_is_too_long_is_cut_and_nothing_is_exhausted() -> None:
    explored = run_all(*beside(2), budget=Budget(steps=4))
    assert explored.executions[0].outcome.kind is OutcomeKind.STEP_LIMIT
    assert len(explored.executions[0].trace) == 4
    assert explored.total.stopped is StopReason.EXECUTIONS


def test_the_watcher_may_stop_it() -> None:
    total = explore(ScriptedProgram(*beside(2)), Dpor(), PLENTY, lambda execution: False, TaskTable())
    assert (total.executions, total.stopped) == (1, StopReason.FAILURE)


def test_a_budget_of_one_execution_more_than_there_are_classes_is_enough() -> None:
    classes = run_all(*beside(2)).total.executions
    assert run_all(*beside(2), budget=Budget(executions=classes + 1)).total.stopped is StopReason.EXHAUSTED


def test_an_operation_on_nothing_ends_the_execution_as_crashed() -> None:
    def script() -> Generator[Operation, Result, None]:
        yield acquire(99)
        yield release(99)

    explored = run_all({}, [script])
    assert explored.executions[0].outcome.kind is OutcomeKind.CRASHED


def test_what_others_could_have_done_before_an_execution_was_cut_off_is_tried() -> None:
    """The first task uses something uncontrolled unless it sees the flag, which the other sets in its second step."""

    def uses() -> Generator[Operation, Result, None]:
        if not (yield read(1)).data[0]:
            yield Operation(OperationKind.UNCONTROLLED)

    def sets() -> Generator[Operation, Result, None]:
        yield read(2)
        yield write(b"\1", 1)

    explored = run_all({1: memory_state(b"\0"), 2: memory_state(b"\0")}, [uses, sets])
    assert set(explored.kinds) == {OutcomeKind.UNCONTROLLED, OutcomeKind.COMPLETED}


def gives_up(tries: int) -> Script:
    """Tries for the lock so often."""

    def steps() -> Generator[Operation, Result, None]:
        for _ in range(tries):
            if (yield acquire(1, block=False)).ok:
                return

    return steps


def test_every_interleaving_within_the_bound_on_waits_is_not_every_interleaving() -> None:
    program = {1: lock_state()}, [gives_up(4), script_of((acquire(1),))]
    claims = {
        bound: run_all(*program, BruteForce(bounds=Bounds(bound))).total.covered for bound in (1, 2, 3, 4, 9)
    }
    assert claims == {1: Claim(1), 2: Claim(2), 3: Claim(3), 4: NO_LIMIT, 9: NO_LIMIT}
    assert run_all(*program, BruteForce(1)).total.covered is None


def test_no_interleaving_is_every_one_if_one_was_cut() -> None:
    total = run_all(*beside(2), BruteForce(), budget=Budget(steps=4)).total
    assert total.stopped is StopReason.EXECUTIONS
    assert total.covered is None
