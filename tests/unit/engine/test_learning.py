"""Rounds of polling loops that lead nowhere are learned, and left out where that loses nothing."""

from collections.abc import Generator
from typing import Any

import pytest
from grader.engine.strategies.learning import FIRST, Learning

from grader.core.execution import Budget, StopReason
from grader.core.operations import Operation, Result
from grader.engine.scripted import Asked, Script
from grader.engine.strategies.dpor import Dpor
from tests.exploring import Explored, run_all
from tests.polling import plain
from tests.programs import KIND, MEMORY, QUEUE, do, get, objects, put, read, write

Steps = Generator[Any, Result, None]
ENOUGH = Budget(executions=400, seconds=60.0, steps=2_000)


def takes(items: int, *, sleeps: bool = False) -> Script:
    """Takes so many items with calls that do not wait, and sleeps between if it got none."""

    def script() -> Steps:
        taken = 0
        while taken < items:
            found = yield Asked(get(QUEUE, block=False), 1 + taken)
            taken += found.ok
            if not found.ok and sleeps:
                yield Asked(Operation(KIND.SLEEP), 100 + taken)

    return script


def puts(items: int) -> Script:
    return plain([put(bytes([number]), QUEUE) for number in range(items)])


@pytest.mark.parametrize("sleeps", [False, True])
def test_the_number_of_executions_does_not_grow_with_the_items(sleeps: bool) -> None:
    def explored(items: int) -> Explored:
        return run_all(objects(), [takes(items, sleeps=sleeps), puts(items)], Learning(), ENOUGH)

    assert {explored(items).total.stopped for items in (6, 9)} == {StopReason.EXHAUSTED}
    assert len(explored(9).executions) <= len(explored(6).executions) < 4 * FIRST
    alone = run_all(objects(), [takes(9, sleeps=sleeps), puts(9)], Dpor(), ENOUGH)
    assert alone.total.stopped is StopReason.EXECUTIONS


def test_without_polling_it_is_dpor() -> None:
    scripts = [plain([read(), write(bytes([number + 1]))] * 2) for number in range(2)]
    learning, dpor = (run_all(objects(), scripts, strategy) for strategy in (Learning(first=1), Dpor()))
    assert [e.schedule for e in learning.executions] == [e.schedule for e in dpor.executions]
    assert learning.total.stopped is StopReason.EXHAUSTED


def test_a_round_of_two_looks_is_not_left_out() -> None:
    """What makes the loop end is a pair of values that never stood there at the same time."""

    def torn() -> Steps:
        while True:
            first = (yield Asked(read(offset=0), 1)).data[0]
            second = (yield Asked(read(offset=1), 2 + first)).data[0]
            if (first, second) == (0, 1):
                yield write(b"\7", offset=2)
                return

    setter = plain([write(b"\1", offset=0), write(b"\1", offset=1), write(b"\0", MEMORY, 0)])
    setter_back = plain([write(b"\1", offset=0), write(b"\1", offset=1)])
    for other in (setter, setter_back):
        both = [run_all(objects(), [torn, other], strategy) for strategy in (Learning(first=1), Dpor())]
        ends = [{e.objects[MEMORY].data[2] for e in explored.executions} for explored in both]  # type: ignore[attr-defined]
        assert ends[0] == ends[1]
        assert 7 in ends[0]


def test_a_task_that_rests_from_the_start_is_seen_where_it_could_have_gone_on() -> None:
    """Here the loop ends as long as the other task lives, and goes on for ever afterwards."""

    def leaves_early() -> Steps:
        while (yield Asked(do(KIND.PROCESS_JOIN, -1, timed=True), 1)).ok:
            pass

    explored = run_all(objects(), [plain([write(b"\1")]), leaves_early], Learning(first=1), ENOUGH)
    kinds = {execution.outcome.kind.value for execution in explored.executions[-3:]}
    assert kinds == {"completed", "livelock"}
