"""What tells identical processes apart is noticed, and then every order is made."""

from collections.abc import Callable
from typing import Any

import pytest

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.core.operations import (
    NO_OBJECT,
    Creation,
    LockFlavour,
    ObjectId,
    ObjectKind,
    Operation,
    process_object,
)
from grader.engine.explorer import Progress, explore
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.dpor import Dpor
from grader.engine.turns import TURNS
from tests.exploring import Explored, run_all
from tests.identical import ALL, JOIN_ALL, About, Family, Start, explore_family, family
from tests.oracle import Oracle
from tests.programs import (
    EVENT,
    KIND,
    MEMORY,
    PIPE,
    Branch,
    Text,
    acquire,
    do,
    exits,
    objects,
    read,
    release,
    script_of,
    write,
)

LOCKED: Text = (acquire(), read(), write(b"\1"), release())
SLEEP = Operation(KIND.SLEEP)
FIRST_JOINED = About(0, Operation(KIND.PROCESS_JOIN))
OWN = 2**20
OBJECTS = objects(holders=1)
"""The parent has the ends of the pipes, and so have the children that it starts."""


def children(text: Text, *after: Any, count: int = 2) -> Family:
    """A parent of identical children, and what it does then."""
    member = script_of(text)
    return Family((*[Start(member)] * count, *after))


def explored_as_before(parent: Family) -> Explored:
    """The exploration, which has found everything that there is, with all names."""
    explored = explore_family(OBJECTS, parent)
    oracle = Oracle(OBJECTS, [parent.script], explored.tasks)
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert explored.total.identical == ()
    assert explored.endings == oracle.endings()
    assert explored.total.traces == len(oracle.normal_forms())
    return explored


@pytest.mark.parametrize("number", [2, 5, 8])
def test_a_lock_is_taken_in_one_order_by_processes_without_names(number: int) -> None:
    total = explore_family(OBJECTS, children(LOCKED, JOIN_ALL, count=number)).total
    assert (total.executions, total.stopped) == (1, StopReason.EXHAUSTED)
    assert total.identical == (number,)


def test_to_sleep_first_makes_no_difference() -> None:
    total = explore_family(OBJECTS, children((SLEEP, SLEEP, *LOCKED), JOIN_ALL, count=3)).total
    assert (total.executions, total.identical) == (1, (3,))


def test_each_kind_has_its_own_names() -> None:
    one, other = script_of(LOCKED), script_of((acquire(), write(b"\2"), release()))
    total = explore_family(OBJECTS, family((one, 2), (other, 3))).total
    assert total.identical == (3, 2)
    assert total.traces == 10  # places of the two among five


def test_without_identical_processes_nothing_changes() -> None:
    parent = family((script_of(LOCKED), 1), (script_of((*LOCKED, SLEEP)), 1))
    explored_as_before(parent)


LOOKS = {
    "asked whether it lives": About(0, Operation(KIND.PROCESS_POLL)),
    "joined for a while": About(1, Operation(KIND.PROCESS_JOIN, timed=True)),
    "looked at for its end": About(0, Operation(KIND.PROCESS_JOIN, block=False)),
    "waited for together": About(0, Operation(KIND.PROCESS_WAIT)),
    "killed": About(1, Operation(KIND.PROCESS_KILL, number=15)),
    "counted with all": About(0, Operation(KIND.PROCESS_CHILDREN)),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_a_look_at_one_of_them(look: About) -> None:
    explored_as_before(children(LOCKED, look, JOIN_ALL))


@pytest.mark.parametrize("text", [(), (read(),), (write(b"\1"),)], ids=["nothing", "a look", "a change"])
def test_all_are_killed(text: Text) -> None:
    """What one leaves of a pipe is nothing to the end of another."""
    explored_as_before(children(text, About(ALL, LOOKS["killed"].operation)))


def test_one_has_other_ends_of_pipes_than_the_other() -> None:
    member = Start(script_of(LOCKED))
    explored_as_before(Family((member, do(KIND.PIPE_CLOSE, PIPE, number=0), member, JOIN_ALL)))


def test_one_is_joined_before_the_parent_does_something_else() -> None:
    explored_as_before(children(LOCKED, FIRST_JOINED, write(b"\5"), JOIN_ALL))


def test_the_second_round_of_processes_has_names_of_its_own() -> None:
    member = Start(script_of(LOCKED))
    both = Family((member, member, JOIN_ALL, read(), member, member, JOIN_ALL))
    total = explore_family(OBJECTS, both).total
    assert (total.executions, total.identical) == (1, (4,))
    explored_as_before(Family((member, FIRST_JOINED, member, member, About(1, LOOKS["killed"].operation))))


def test_what_comes_after_a_join_that_no_order_with_their_turns_returns_from() -> None:
    """The one that comes first waits for what the parent does when the other, by its name the first, is gone."""
    text = (acquire(block=False), Branch((do(KIND.EVENT_WAIT, EVENT),)))
    parent = children(text, FIRST_JOINED, do(KIND.EVENT_SET, EVENT), JOIN_ALL)
    assert set(explored_as_before(parent).kinds) == {OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK}


def test_a_join_that_returns_in_no_order_at_all_hides_nothing() -> None:
    explored = explore_family(OBJECTS, children((acquire(),), JOIN_ALL, count=3))
    assert explored.total.identical == (3,)
    assert set(explored.kinds) == {OutcomeKind.DEADLOCK}


def test_a_failure_of_one() -> None:
    explored_as_before(children((acquire(block=False), Branch((exits(code=1),))), JOIN_ALL))


def test_a_failure_of_another_child() -> None:
    member = Start(script_of(LOCKED))
    explored_as_before(Family((member, member, Start(script_of((exits(code=1),))), JOIN_ALL)))


def test_they_start_processes_of_their_own() -> None:
    def member() -> Any:
        yield Operation(KIND.PROCESS_START)

    explored_as_before(family((member, 2)))


def test_they_make_shared_objects() -> None:
    made = iter(range(100))

    def member() -> Any:
        yield Asked(acquire(), created=())

    def maker() -> Any:
        number = next(made) % 2 + 1
        creation = Creation((number + 1) * OWN, ObjectKind.LOCK, flavour=LockFlavour.LOCK, number=1)
        yield Asked(acquire(creation.object), created=(creation,))

    assert explore_family(OBJECTS, family((member, 2))).total.identical == (2,)
    assert explore_family(OBJECTS, family((maker, 2))).total.identical == ()


def test_they_do_not_do_the_same() -> None:
    """They said that they are alike, and are not."""

    def said_to_be_alike() -> Any:
        one, other = ((acquire(), write(data), release()) for data in (b"\1", b"\2"))
        started = yield Asked(Operation(KIND.PROCESS_START), child=script_of(one))
        like = process_object(started.number)
        yield Asked(Operation(KIND.PROCESS_START, like=like), child=script_of(other))

    explored = explore_family(OBJECTS, _Written(said_to_be_alike))  # type: ignore[arg-type]
    assert explored.total.identical == ()
    assert {state.objects[MEMORY].data[0] for state in explored.executions} == {1, 2}  # type: ignore[attr-defined]


class _Written:
    """A parent written by hand."""

    def __init__(self, script: Callable[[], Any]) -> None:
        self.script = script


def test_only_a_child_of_the_same_parent_can_be_alike() -> None:
    def wrong() -> Any:
        yield Asked(Operation(KIND.PROCESS_START, like=process_object(0)), child=script_of(LOCKED))

    explored = explore_family(OBJECTS, _Written(wrong))  # type: ignore[arg-type]
    assert set(explored.kinds) == {OutcomeKind.CRASHED}


def test_nobody_speaks_of_likeness_unless_asked_to() -> None:
    parent = children(LOCKED, JOIN_ALL)
    explored = run_all(OBJECTS, [parent.script])
    assert explored.total.traces == 2
    assert {step.operation.like for one in explored.executions for step in one.trace} == {NO_OBJECT}


def test_the_turns_are_no_part_of_what_is_left_in_the_end() -> None:
    for execution in explore_family(OBJECTS, children(LOCKED, JOIN_ALL)).executions:
        assert TURNS not in execution.objects


def test_what_was_seen_before_is_forgotten_and_paid_for() -> None:
    parent = children(LOCKED, JOIN_ALL, About(ALL, Operation(KIND.PROCESS_POLL)), count=3)
    total = explore_family(OBJECTS, parent, budget=Budget(executions=4, seconds=60)).total
    assert (total.executions, total.stopped) == (3, StopReason.EXECUTIONS)


def script_program(*texts: Text) -> ScriptedProgram:
    scripts: list[Script] = [script_of(text) for text in texts]
    shared: dict[ObjectId, Any] = objects()
    return ScriptedProgram(shared, scripts)


def test_the_estimate_of_what_is_left_ends_at_nothing() -> None:
    seen: list[Progress] = []
    fractions: list[float | None] = []

    def look(progress: Progress) -> None:
        seen.append(progress)
        fractions.append(progress.fraction())

    program = script_program(LOCKED, LOCKED, LOCKED)
    total = explore(program, Dpor(), Budget(), lambda _: True, on_progress=look)
    assert [progress.executions for progress in seen] == list(range(1, total.executions + 1))
    assert fractions[-1] == pytest.approx(1.0)
    assert seen[-1].left() == 0
    known = [fraction for fraction in fractions if fraction is not None]
    assert len(known) == len(fractions)
    assert all(0 < fraction <= 1 + 1e-9 for fraction in known)
    assert known[0] < 1
