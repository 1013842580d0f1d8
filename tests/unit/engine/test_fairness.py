"""Single polling loops, looked at closely."""

from collections.abc import Generator
from typing import Any

import pytest

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.core.operations import Operation, Result
from grader.engine.scripted import Asked, Script
from grader.engine.strategies.brute_force import BruteForce
from tests.exploring import Explored, run_all
from tests.polling import plain
from tests.programs import KIND, LOCK, MEMORY, acquire, do, objects, read, release, write

Steps = Generator[Any, Result, None]


def polls(*round_: Operation, until: int = 1, marks: bool = True) -> Script:
    """Goes round until the byte that is read last is `until`."""

    def script() -> Steps:
        seen = -1
        while seen != until:
            for place, operation in enumerate(round_):
                result = yield Asked(operation, 1 + place if marks else 0)
                seen = result.data[0] if result.data else seen

    return script


def kinds(*scripts: Script) -> dict[OutcomeKind, int]:
    explored = run_all(objects(), scripts)
    assert explored.total.stopped is StopReason.EXHAUSTED
    return dict(explored.kinds)


SETS = plain([write(b"\1")])
LOCKED_LOOK = (acquire(), read(), release())


def test_a_loop_that_somebody_ends_is_explored_to_the_end() -> None:
    assert kinds(polls(read()), SETS) == {OutcomeKind.COMPLETED: 2}


def test_a_loop_that_nobody_can_end_is_a_livelock_at_its_line() -> None:
    waiting = polls(Operation(KIND.MEMORY_READ, MEMORY, line=7, number=1), until=2)
    explored = run_all(objects(), [waiting, SETS])
    assert set(explored.kinds) == {OutcomeKind.LIVELOCK}
    assert {(e.outcome.task, e.outcome.line) for e in explored.executions} == {(0, 7)}


def test_two_that_wait_for_each_other_are_a_livelock() -> None:
    assert set(kinds(polls(read(offset=0)), polls(read(offset=1)))) == {OutcomeKind.LIVELOCK}


def test_a_loop_over_two_flags_is_not_unrolled_by_reversing_its_rounds() -> None:
    def either() -> Steps:
        while not (yield Asked(read(offset=0), 1)).data[0]:
            if (yield Asked(read(offset=1), 2)).data[0]:
                yield write(b"\7", offset=2)
                return

    setters = [plain([write(b"\1", offset=flag)]) for flag in (0, 1)]
    explored = run_all(objects(), [either, *setters], budget=Budget(100, 10, 500))
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert max(len(execution.trace) for execution in explored.executions) < 15
    ends = {execution.objects[MEMORY].data[2] for execution in explored.executions}  # type: ignore[attr-defined]
    assert ends == {0, 7}


def test_a_loop_under_a_lock_lets_others_take_the_lock() -> None:
    setter = plain([acquire(), write(b"\1"), release()])
    assert set(kinds(polls(*LOCKED_LOOK), setter)) == {OutcomeKind.COMPLETED}
    assert set(kinds(polls(*LOCKED_LOOK), polls(*LOCKED_LOOK), setter)) == {OutcomeKind.COMPLETED}


def test_a_loop_that_holds_the_lock_all_the_while_is_a_livelock_in_some_orders() -> None:
    def selfish() -> Steps:
        yield acquire()
        yield from polls(read())()
        yield release()

    setter = plain([acquire(), write(b"\1"), release()])
    assert set(kinds(selfish, setter)) == {OutcomeKind.COMPLETED, OutcomeKind.LIVELOCK}


def test_two_loops_under_one_lock_that_nobody_ends_are_a_livelock() -> None:
    assert set(kinds(polls(*LOCKED_LOOK), polls(*LOCKED_LOOK))) == {OutcomeKind.LIVELOCK}


def test_without_marks_a_loop_runs_into_the_step_limit_and_nothing_is_exhausted() -> None:
    explored = run_all(objects(), [polls(read(), marks=False), SETS], budget=Budget(50, 10, 100))
    assert OutcomeKind.STEP_LIMIT in explored.kinds
    assert explored.total.stopped is not StopReason.EXHAUSTED


def gives_up(tries: int, *, mark_each: bool) -> Script:
    """Tries for the lock and writes after how many tries it was taken, 0 if never."""

    def script() -> Steps:
        for number in range(1, tries + 1):
            taken = yield Asked(acquire(block=False), number if mark_each else 1)
            if taken.ok:
                yield write(bytes([number]))
                yield release()
                return

    return script


def tries_seen(explored: Explored) -> set[int]:
    return {execution.objects[MEMORY].data[0] for execution in explored.executions}  # type: ignore[attr-defined]


HOLDS = plain([acquire(LOCK), release(LOCK)])


def test_a_loop_that_gives_up_is_not_cut_if_its_marks_tell_the_tries_apart() -> None:
    assert tries_seen(run_all(objects(), [gives_up(3, mark_each=True), HOLDS])) == {0, 1, 2, 3}


def test_equal_marks_in_different_local_states_lose_endings() -> None:
    """The limit of the heuristic: a mark must tell apart whatever the loop counts."""
    assert tries_seen(run_all(objects(), [gives_up(3, mark_each=False), HOLDS])) == {1, 2}


def test_even_with_equal_marks_a_loop_that_gives_up_comes_to_its_end() -> None:
    never_released = plain([acquire(LOCK)])
    explored = run_all(objects(), [never_released, gives_up(20, mark_each=False)])
    assert OutcomeKind.LIVELOCK not in explored.kinds


def test_nothing_is_called_exhausted_where_a_lock_that_is_taken_for_a_look_could_be_met() -> None:
    """Each round takes the lock for a while: somebody else's two tries may both fail, in two different rounds."""
    two_tries = plain([acquire(block=False), acquire(block=False)])
    for strategy in (None, BruteForce()):
        explored = run_all(objects(), [polls(*LOCKED_LOOK), two_tries, SETS], strategy)
        assert explored.total.stopped is StopReason.EXECUTIONS


@pytest.mark.parametrize("loops", [1, 2])
def test_a_sleeping_loop_ends_too(loops: int) -> None:
    napping = polls(do(KIND.SLEEP, -(2**62)), read())
    assert set(kinds(*[napping] * loops, SETS)) == {OutcomeKind.COMPLETED}
