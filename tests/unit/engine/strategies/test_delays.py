"""Waits that fail more often than is explored: how often, and what comes when they do not fail any more."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import Operation, OperationKind
from grader.engine.scripted import Script
from grader.engine.strategies.bursts import MOST_ROUNDS
from grader.engine.strategies.delays import EACH_UP_TO, IN_ALL, LEAST, Delays
from grader.engine.strategies.delays import _counts as counts
from grader.engine.strategies.waits import BoundedWaits
from tests.exploring import run_all
from tests.programs import acquire, objects, read, release, write

COUNTED = 1_000
"""A sleep of so many milliseconds more than the number of misses tells what a task has counted."""


def counting(*, guarded: bool = True) -> Script:
    """Tries until it has the lock, tells how often it failed, and then updates the memory."""

    def script():  # type: ignore[no-untyped-def]
        missed = 0
        while not (yield acquire(block=False)).ok:
            missed += 1
        yield Operation(OperationKind.SLEEP, number=COUNTED + missed)
        seen = yield read()
        if not guarded:
            yield release()
        yield write(bytes([seen.data[0] + 1]))
        if guarded:
            yield release()

    return script


def holding() -> Script:
    def script():  # type: ignore[no-untyped-def]
        yield acquire()
        yield release()

    return script


def delayed(*scripts: Script, seed: int = 1) -> list[Execution]:
    waits = BoundedWaits(400)
    run_all(objects(), scripts, waits)
    return run_all(objects(), scripts, Delays(waits, seed)).executions


def misses(execution: Execution) -> int:
    """The most that some task has counted."""
    told = [step.operation.number for step in execution.trace if step.operation.kind is OperationKind.SLEEP]
    return max(told, default=COUNTED) - COUNTED


def test_each_small_number_of_misses_comes_and_some_of_every_size() -> None:
    executions = delayed(counting(), holding())
    assert all(execution.outcome.kind is OutcomeKind.COMPLETED for execution in executions)
    told = [misses(execution) for execution in executions]
    explored = 4  # the bound goes up to three rounds, and the first try is none yet
    assert set(range(explored + 1, EACH_UP_TO)) <= set(told)
    large = sorted(each for each in told if each >= EACH_UP_TO)
    assert large[0] < 20
    assert large[-1] > 100
    assert len(executions) <= IN_ALL


def test_larger_numbers_are_drawn_so_that_no_gap_is_known_before() -> None:
    drawn = Counter(number for seed in range(400) for number in counts(1, random.Random(seed), IN_ALL))
    assert all(drawn[number] for number in range(1, 130))
    for seed in range(50):
        numbers = counts(1, random.Random(seed), IN_ALL)
        assert numbers == sorted(set(numbers))
        assert numbers[-1] <= MOST_ROUNDS
        assert all(one * 2.3 >= other for one, other in pairwise(numbers) if one >= EACH_UP_TO)


@pytest.mark.parametrize("most", [LEAST, 8, IN_ALL])
def test_there_are_never_more_than_asked_for(most: int) -> None:
    assert all(len(counts(lowest, random.Random(lowest), most)) <= most for lowest in range(1, 30))


def test_where_nobody_waits_there_is_nothing_to_delay() -> None:
    assert delayed(holding(), holding()) == []


def test_others_come_in_between_when_the_wait_is_over() -> None:
    """Who writes behind the lock, only after having missed it often, loses what a third one has written meanwhile."""
    executions = delayed(counting(guarded=False), counting(), holding())
    lost = [one for one in executions if memory(one) == 1 and misses(one) > 3]
    assert lost


def memory(execution: Execution) -> int:
    written = [
        step.operation.data
        for step in execution.trace
        if step.operation.kind is OperationKind.MEMORY_WRITE and step.operation.data
    ]
    return written[-1][0]


def test_the_same_seed_makes_the_same() -> None:
    once, again = (delayed(counting(), counting(), seed=3) for _ in range(2))
    assert [one.schedule for one in once] == [one.schedule for one in again]
    assert {misses(one) for one in once} != {misses(one) for one in delayed(counting(), counting(), seed=4)}
