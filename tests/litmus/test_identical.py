"""The classic programs with their identical tasks started by one parent: the traces that are left without names.

The numbers come from a formula, or from `tests.identical.InOrder`, which goes through all interleavings.
"""

import math

import pytest

from grader.core.execution import OutcomeKind, StopReason
from grader.engine.scripted import Script
from tests.exploring import Explored, run_all
from tests.identical import Family, InOrder, classes, explore_family, family, order_of_beginning, renamed
from tests.litmus import classics
from tests.litmus.classics import CELL, QUEUE, SEMAPHORE, Classic, Steps
from tests.oracle import Oracle
from tests.programs import acquire, get, put, read, release, write


def parent_of(program: Classic) -> Family:
    """One that starts all tasks of a program, and joins them."""
    counted: dict[Script, int] = {}
    for script in program.scripts:
        counted[script] = counted.get(script, 0) + 1
    return family(*counted.items())


def without_names(program: Classic) -> Explored:
    return explore_family(program.objects, parent_of(program))


def hungry_philosophers(number: int) -> Classic:
    """All alike: everyone takes any fork and then another, of as many as there are philosophers."""

    def script() -> Steps:
        for step in (acquire, acquire, release, release):
            yield step(SEMAPHORE)

    objects = classics.at_most(number, 1).objects
    return Classic(objects, [script] * number)


def left_handed(number: int) -> Classic:
    """Everyone takes the same fork first."""

    def script() -> Steps:
        for lock in (classics.LOCK, classics.SECOND_LOCK):
            yield acquire(lock)
        for lock in (classics.SECOND_LOCK, classics.LOCK):
            yield release(lock)

    objects = classics.philosophers(2).objects
    return Classic(objects, [script] * number)


def producer_and_consumers(items: int, consumers: int) -> Classic:
    """The consumers write down what they got, and stop at a zero."""

    def producer() -> Steps:
        for item in (*range(1, items + 1), *[0] * consumers):
            yield put(bytes([item]), QUEUE)

    def consumer() -> Steps:
        while (item := (yield get(QUEUE))).data[0]:
            yield write(item.data, CELL)

    objects = classics.sentinels(1, 1).objects
    return Classic(objects, [producer, *[consumer] * consumers])


SMALL = {
    "unlocked counter 2x1": classics.unlocked_counter(2, 1),
    "unlocked counter 2x2": classics.unlocked_counter(2, 2),
    "unlocked counter 3x1": classics.unlocked_counter(3, 1),
    "locked counter 3x1": classics.locked_counter(3, 1),
    "locked counter 2x2": classics.locked_counter(2, 2),
    "two sections": classics.two_sections(2),
    "three readers": classics.readers(3),
    "reorder 2": classics.reorder(2),
    "semaphore of 2 for 3": classics.at_most(2, 3),
    "timed acquires": classics.timed_acquires(),
    "event gate 2": classics.event_gate(2),
    "hungry philosophers 2": hungry_philosophers(2),
    "hungry philosophers 3": hungry_philosophers(3),
    "left-handed philosophers": left_handed(3),
    "one producer, two consumers": producer_and_consumers(1, 2),
    "two items for two consumers": producer_and_consumers(2, 2),
}


@pytest.mark.parametrize("program", SMALL.values(), ids=SMALL.keys())
def test_every_outcome_is_there_but_for_the_names_and_every_class_once(program: Classic) -> None:
    parent = parent_of(program)
    explored = explore_family(program.objects, parent)
    oracle = Oracle(program.objects, [parent.script], explored.tasks)
    behind = order_of_beginning(oracle)
    in_order = InOrder(program.objects, [parent.script], explored.tasks)
    in_order.behind = behind
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert explored.total.identical
    assert explored.total.traces == len(in_order.normal_forms())
    assert explored.total.pruned == 0
    members = classes(behind)
    found = {ending for one in explored.executions for ending in renamed(oracle, one, members)}
    assert found == oracle.endings()


@pytest.mark.parametrize("tasks", range(2, 9))
def test_locked_sections_of_processes_without_names_have_one_order(tasks: int) -> None:
    explored = without_names(classics.locked_counter(tasks, 1))
    assert (explored.total.executions, explored.total.identical) == (1, (tasks,))


@pytest.mark.parametrize(("tasks", "increments"), [(2, 2), (2, 3), (3, 2)])
def test_orders_of_sections_are_divided_by_the_names(tasks: int, increments: int) -> None:
    orders = math.factorial(tasks * increments) // math.factorial(increments) ** tasks
    explored = without_names(classics.locked_counter(tasks, increments))
    assert explored.total.traces == orders // math.factorial(tasks)


@pytest.mark.parametrize("number", [2, 5, 9])
def test_of_readers_without_names_some_number_comes_before_the_writer(number: int) -> None:
    assert without_names(classics.readers(number)).total.traces == number + 1


@pytest.mark.parametrize(("tasks", "traces"), [(2, 3), (3, 15), (4, 105)])
def test_an_unlocked_counter_begins_in_order(tasks: int, traces: int) -> None:
    """First reads in a given order, and the writes where they may be: 1 * 3 * 5 * ..., the number of pairings."""
    explored = without_names(classics.unlocked_counter(tasks, 1))
    assert explored.total.traces == traces == math.prod(range(1, 2 * tasks, 2))
    every = run_all(*classics.unlocked_counter(tasks, 1)).executions if tasks < 4 else []
    lost = {execution.objects[CELL].data for execution in explored.executions}  # type: ignore[attr-defined]
    assert not every or lost == {one.objects[CELL].data for one in every}  # type: ignore[attr-defined]


def test_hungry_philosophers_starve_each_with_one_fork() -> None:
    kinds = without_names(hungry_philosophers(3)).kinds
    assert set(kinds) == {OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK}
    assert set(without_names(left_handed(5)).kinds) == {OutcomeKind.COMPLETED}


def test_readers_that_look_at_different_places_are_not_identical() -> None:
    def reader(offset: int) -> Script:
        def script() -> Steps:
            yield read(CELL, offset)

        return script

    first, second = reader(0), reader(1)
    explored = explore_family(classics.unlocked_counter(1, 1).objects, family((first, 1), (second, 1)))
    assert explored.total.identical == ()
