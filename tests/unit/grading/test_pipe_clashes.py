"""Calls of two processes that could overlap are found in every order in which they did not."""

import pytest

from grader.core.operations import Operation, process_object
from grader.grading.pipe_clashes import find_clash
from tests.exploring import run_all
from tests.programs import (
    KIND,
    LOCK,
    ONE_WAY,
    Child,
    Text,
    acquire,
    do,
    objects,
    receive,
    release,
    script_of,
    send,
)

LONG = bytes(20_000)
FIRST = do(KIND.PROCESS_JOIN, process_object(0))


def clashing(*texts: Text) -> set[bool]:
    """Whether there is a clash, over all orders."""
    explored = run_all(objects(holders=len(texts)), [script_of(text) for text in texts])
    return {find_clash(execution) is not None for execution in explored.executions}


def two(*operations: Operation, first: Text = ()) -> tuple[Text, ...]:
    """Two tasks that do the same, and one that sends to both."""
    return operations, operations, (send(1, b"a", ONE_WAY), *first, send(1, b"b", ONE_WAY))


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ((receive(0, ONE_WAY),), True),
        ((acquire(LOCK), receive(0, ONE_WAY), release(LOCK)), False),
        ((send(0, b"short"),), False),
        ((send(0, LONG),), True),
        ((acquire(LOCK), send(0, LONG), release(LOCK)), False),
    ],
)
def test_what_two_do_at_one_end_clashes_unless_a_lock_keeps_it_apart(
    operations: Text, expected: bool
) -> None:
    assert clashing(*two(*operations)) == {expected}


def test_with_nothing_more_to_come_who_waits_for_ever_clashes_with_who_received() -> None:
    assert clashing((receive(0, ONE_WAY),), (receive(0, ONE_WAY),), (send(1, b"a", ONE_WAY),)) == {True}


def test_one_after_the_other_is_fine() -> None:
    assert clashing((receive(0, ONE_WAY),), (FIRST, receive(0, ONE_WAY)), two()[2]) == {False}


def test_both_directions_and_different_ends_are_fine() -> None:
    assert clashing((send(0, LONG), receive(0)), (receive(1), send(1, LONG)), ()) == {False}


def test_a_child_that_starts_after_the_first_receive_may_receive_the_next() -> None:
    parent: Text = (receive(0, ONE_WAY), Child((receive(0, ONE_WAY),)))
    assert clashing(parent, two()[2]) == {False}
