"""Who goes next where no strategy minds, and which fair executions go on for ever."""

from collections.abc import Generator
from typing import Any

import pytest

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.core.operations import Operation, Result
from grader.engine import fairness
from grader.engine.scripted import Script
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.random_walk import RandomWalk
from grader.engine.strategies.replay import Replay
from grader.engine.waits import Bounds
from tests.exploring import run_all
from tests.polling import plain
from tests.programs import KIND, LOCK, MEMORY, RLOCK, acquire, do, objects, read, release, write

Steps = Generator[Any, Result, None]
SETS = plain([write(b"\1")])
LOCKED_LOOK = (acquire(), read(), release())
LOCKED_SETTER = plain([acquire(), write(b"\1"), release()])
NAP = Operation(KIND.SLEEP)


@pytest.fixture(autouse=True)
def few_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here counts far, so a cycle that comes a few times comes for ever."""
    monkeypatch.setattr(fairness, "REPETITIONS", 12)


def polls(*round_: Operation, until: int = 1) -> Script:
    """Goes round until the byte that is read last is `until`."""

    def script() -> Steps:
        seen = -1
        while seen != until:
            for operation in round_:
                result = yield operation
                seen = result.data[0] if result.data else seen

    return script


def kinds(*scripts: Script, bound: int = 1) -> dict[OutcomeKind, int]:
    explored = run_all(objects(), scripts, Dpor(Bounds(bound)))
    assert explored.total.stopped is StopReason.EXHAUSTED
    return dict(explored.kinds)


def test_a_loop_that_somebody_ends_is_explored_to_the_end() -> None:
    assert kinds(polls(read()), SETS) == {OutcomeKind.COMPLETED: 2}


def test_a_loop_that_nobody_can_end_is_a_livelock_at_its_line() -> None:
    waiting = polls(Operation(KIND.MEMORY_READ, MEMORY, line=7, number=1), until=2)
    explored = run_all(objects(), [waiting, SETS], Dpor(Bounds()))
    assert set(explored.kinds) == {OutcomeKind.LIVELOCK}
    assert {(e.outcome.task, e.outcome.line) for e in explored.executions} == {(0, 7)}
    assert {e.outcome.cycle for e in explored.executions} == {1}


def test_two_that_wait_for_each_other_are_a_livelock() -> None:
    assert set(kinds(polls(read(offset=0)), polls(read(offset=1)))) == {OutcomeKind.LIVELOCK}


def test_a_loop_over_two_flags_is_not_unrolled_by_reversing_its_rounds() -> None:
    def either() -> Steps:
        while not (yield read(offset=0)).data[0]:
            if (yield read(offset=1)).data[0]:
                yield write(b"\7", offset=2)
                return

    setters = [plain([write(b"\1", offset=flag)]) for flag in (0, 1)]
    explored = run_all(objects(), [either, *setters], Dpor(Bounds()))
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert max(len(execution.trace) for execution in explored.executions) < 15
    ends = {execution.objects[MEMORY].data[2] for execution in explored.executions}  # type: ignore[attr-defined]
    assert ends == {0, 7}


def test_a_loop_under_a_lock_lets_others_take_the_lock() -> None:
    assert set(kinds(polls(*LOCKED_LOOK), LOCKED_SETTER)) == {OutcomeKind.COMPLETED}
    assert set(kinds(polls(*LOCKED_LOOK), polls(*LOCKED_LOOK), LOCKED_SETTER)) == {OutcomeKind.COMPLETED}


def test_a_loop_that_holds_the_lock_all_the_while_is_a_livelock_in_some_orders() -> None:
    def selfish() -> Steps:
        yield acquire()
        yield from polls(read())()
        yield release()

    assert set(kinds(selfish, LOCKED_SETTER)) == {OutcomeKind.COMPLETED, OutcomeKind.LIVELOCK}


def test_two_loops_under_one_lock_that_nobody_ends_are_a_livelock() -> None:
    assert set(kinds(polls(*LOCKED_LOOK), polls(*LOCKED_LOOK))) == {OutcomeKind.LIVELOCK}


@pytest.mark.parametrize("loops", [1, 2])
def test_a_sleeping_loop_ends_too(loops: int) -> None:
    assert set(kinds(*[polls(NAP, read())] * loops, SETS)) == {OutcomeKind.COMPLETED}


def gives_back(first: int, second: int) -> Script:
    """Takes two locks, or gives the first one back."""

    def script() -> Steps:
        while True:
            yield acquire(first)
            if (yield acquire(second, block=False)).ok:
                break
            yield release(first)
        yield release(second)
        yield release(first)

    return script


def test_two_that_give_back_in_step_are_a_livelock_whose_cycle_is_shown_once() -> None:
    explored = run_all(objects(), [gives_back(LOCK, RLOCK), gives_back(RLOCK, LOCK)], Dpor(Bounds()))
    endless = [e for e in explored.executions if e.outcome.kind is OutcomeKind.LIVELOCK]
    assert [execution.outcome.cycle for execution in endless] == [6, 6, 6]
    for execution in endless:
        cycle = execution.trace[-execution.outcome.cycle :]
        assert {step.task for step in cycle} == {0, 1}
        assert sum(not step.result.ok for step in cycle if step.result is not None) == 2


def test_an_endless_execution_is_endless_again_when_it_is_replayed_to_its_end() -> None:
    scripts = [gives_back(LOCK, RLOCK), gives_back(RLOCK, LOCK)]
    explored = run_all(objects(), scripts, Dpor(Bounds(2)))
    endless = [e for e in explored.executions if e.outcome.kind is OutcomeKind.LIVELOCK]
    assert endless
    for execution in endless:
        paths = [explored.tasks.path(task) for task in execution.schedule]
        (again,) = run_all(objects(), scripts, Replay(paths, endless=True), tasks=explored.tasks).executions
        assert again.outcome.kind is OutcomeKind.LIVELOCK
        assert again.schedule[: len(execution.schedule)] == execution.schedule


def test_a_loop_that_leaves_by_itself_before_the_cycle_counts_is_no_livelock() -> None:
    def patient() -> Steps:
        for _ in range(10):
            yield read()

    assert kinds(patient) == {OutcomeKind.COMPLETED: 1}


def schedule(*scripts: Script) -> list[int]:
    """Who goes when in the first execution."""
    (execution,) = run_all(objects(), scripts, Dpor(Bounds(100)), Budget(executions=1)).executions
    return list(execution.schedule)


def test_whoever_sleeps_lets_the_others_go_first_and_whoever_goes_on_is_not_interrupted() -> None:
    assert schedule(polls(NAP, read()), plain([write(b"\0"), write(b"\1")])) == [0, 1, 1, 1, 0, 0]


def test_whoever_has_failed_or_sees_the_same_lets_the_others_go_first() -> None:
    holder = plain([acquire(), release()])
    tries = polls(acquire(block=False), read(), until=0)
    assert schedule(holder, tries) == [0, 0, 0, 1, 1, 1]
    assert schedule(tries, plain([read()])) == [0, 0, 0, 1, 1]
    assert schedule(polls(read()), SETS) == [
        0,
        0,
        1,
        1,
        0,
        0,
    ]  # the first look saw nothing that it had seen before


def test_a_task_that_sees_something_new_goes_on() -> None:
    reader = plain([read(offset=0), read(offset=1), read(offset=2)])
    assert schedule(reader, plain([write(b"\1", offset=2)]))[:3] == [0, 0, 0]


def test_random_schedules_end_in_the_cycle_too() -> None:
    explored = run_all(objects(), [polls(read(), until=2), SETS], RandomWalk(1, 20))
    assert set(explored.kinds) == {OutcomeKind.LIVELOCK}


def test_a_set_event_ends_every_loop_that_asks_for_it() -> None:
    def asks() -> Steps:
        while not (yield do(KIND.EVENT_IS_SET, 10)).number:
            yield NAP

    assert set(kinds(asks, asks, plain([do(KIND.EVENT_SET, 10)]))) == {OutcomeKind.COMPLETED}
