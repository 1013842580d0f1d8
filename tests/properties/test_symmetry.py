"""Exploring up to the names of identical processes loses no outcome; where they can be told apart, it notices."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.core.execution import StopReason
from grader.core.operations import ObjectId, Operation
from grader.engine.scripted import Script
from tests.identical import (
    ALL,
    JOIN_ALL,
    About,
    Family,
    IfFailed,
    InOrder,
    Start,
    classes,
    explore_family,
    order_of_beginning,
    renamed,
)
from tests.oracle import Oracle, TooManyStatesError
from tests.programs import (
    FAMILIES,
    KIND,
    ONE_WAY,
    PIPE,
    Branch,
    Pick,
    ProgramMaker,
    exits,
    objects,
    script_of,
)

MIXES = (
    ("memory",),
    ("guarded", "memory"),
    ("lock", "memory"),
    ("rlock", "lock", "memory"),
    ("semaphore", "bounded"),
    ("condition", "event"),
    ("queue",),
    ("joinable", "simple"),
    ("pipe",),
    ("one_way", "lock"),
    tuple(family for family in FAMILIES if family not in ("child", "other")),
)

few = settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


class Generated(NamedTuple):
    """A program."""

    objects: dict[ObjectId, Any]
    family: Family

    def oracle(self) -> Oracle:
        """The truth about all of it; programs with too much of it are passed over."""
        try:
            oracle = Oracle(self.objects, [self.family.script], most_states=500)
            small = oracle.count_interleavings() <= 1_500
        except TooManyStatesError:
            small = False
        assume(small)
        return oracle


_ABOUT = (
    *(Operation(KIND.PROCESS_JOIN), Operation(KIND.PROCESS_JOIN), Operation(KIND.PROCESS_JOIN, block=False)),
    *(Operation(KIND.PROCESS_JOIN, timed=True), Operation(KIND.PROCESS_POLL), Operation(KIND.PROCESS_WAIT)),
    *(Operation(KIND.PROCESS_KILL, number=15), Operation(KIND.PROCESS_CHILDREN)),
)


def generated(pick: Pick, families: Sequence[str], looks: bool) -> Generated:
    """Two or three identical children, perhaps one of another kind, and a parent that does something between."""
    maker = ProgramMaker(pick, families)

    def text(lengths: Sequence[int]) -> Any:
        return maker.text(families, pick(lengths), 0)

    def own() -> list[Any]:
        return [act for act in text((0, 0, 1)) if isinstance(act, Operation)] if pick((False, True)) else []

    fails = (Branch((exits(code=1),)),) if looks and pick((False, False, True)) else ()
    member: Script = script_of((*_naps(pick), *text((1, 2, 2, 3)), *fails))
    acts: list[Any] = [Start(member), *own(), Start(member)]
    if pick((False, False, True)):
        acts.insert(pick((0, 1, len(acts))), Start(member))
    if pick((False, False, True)):
        acts.insert(pick((0, 1, len(acts))), Start(script_of(text((1, 2)))))
    for _ in range(pick((1, 1, 2)) if looks else 0):
        place = pick(range(1, len(acts) + 1))
        acts.insert(place, About(pick((0, 0, 1, ALL)), pick(_ABOUT)))
        acts[place + 1 : place + 1] = [IfFailed(one) for one in own()]
    acts += pick(((), (JOIN_ALL,), (JOIN_ALL,), (JOIN_ALL, *own())))
    shared = objects(pick((0, 0, 1)), pick((0, 1, 1, 2)), holders=1)
    if not {"pipe", "one_way"} & set(families):
        shared = {target: state for target, state in shared.items() if target not in (PIPE, ONE_WAY)}
    return Generated(shared, Family(tuple(acts)))


def _naps(pick: Pick) -> tuple[Operation, ...]:
    return (Operation(KIND.SLEEP),) * pick((0, 0, 0, 1))


@st.composite
def programs(draw: st.DrawFn, families: Sequence[str], looks: bool) -> Generated:
    return generated(lambda options: draw(st.sampled_from(options)), families, looks)


def check_against_truth(program: Generated) -> bool:
    """Compare with every interleaving; whether symmetry was made use of."""
    oracle = program.oracle()
    explored = explore_family(program.objects, program.family, oracle.tasks)
    every = len(oracle.normal_forms())
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert explored.total.pruned == 0
    if not explored.total.identical:
        assert explored.endings == oracle.endings()
        assert explored.total.traces == every
        return False
    behind = order_of_beginning(oracle)
    members = classes(behind)
    found = {ending for one in explored.executions for ending in renamed(oracle, one, members)}
    assert found == oracle.endings()
    in_order = InOrder(program.objects, [program.family.script], oracle.tasks)
    in_order.behind = behind
    assert explored.total.traces == len(in_order.normal_forms()) <= every
    assert {len(group) for group in members} == set(explored.total.identical)
    return True


@pytest.mark.parametrize("families", MIXES, ids="+".join)
def test_every_outcome_is_found_but_for_the_names(families: Sequence[str]) -> None:
    used = []

    @few
    @given(program=programs(families, looks=False))
    def check(program: Generated) -> None:
        used.append(check_against_truth(program))

    check()
    assert any(used)


@pytest.mark.parametrize("families", MIXES, ids="+".join)
def test_no_outcome_is_lost_where_the_parent_looks_at_one_of_them(families: Sequence[str]) -> None:
    used = []

    @few
    @given(program=programs(families, looks=True))
    def check(program: Generated) -> None:
        used.append(check_against_truth(program))

    check()
    assert not all(used)
