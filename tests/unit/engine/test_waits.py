"""Vain rounds, one by one: what is a round, what is vain, how often it was made, and what the bound holds back."""

from collections.abc import Sequence
from typing import Any

import pytest

from grader.core.operations import Operation, Result, object_id
from grader.engine.steps import perform
from grader.engine.waits import LONGEST_ROUND, Bounds, Waiting, bare, plain
from tests.programs import (
    EVENT,
    KIND,
    LOCK,
    MEMORY,
    QUEUE,
    RLOCK,
    acquire,
    do,
    get,
    objects,
    put,
    read,
    release,
    write,
)

NAP = Operation(KIND.SLEEP)
TRY = acquire(LOCK, block=False)


class Task:
    """One task whose operations are made at once, on objects that others may change.

    `now` is how it stands with the operation that was announced last.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.objects: dict[int, Any] = objects()
        self.bounds = bounds or Bounds()
        self.before = self.now = Waiting(0)

    def announce(self, place: int, operation: Operation, created: int = 0) -> "Task":
        self.operation = operation
        self.now = self.before.announced(operation, place, created, self.bounds)
        return self

    def go_on(self) -> "Task":
        self.before = self.now.stepped(perform(self.objects, 0, self.operation))
        return self

    def make(self, *steps: tuple[int, Operation]) -> "Task":
        for step in steps:
            self.announce(*step).go_on()
        return self

    def other(self, *operations: Operation) -> "Task":
        for operation in operations:
            perform(self.objects, 1, operation)
        return self

    def is_held_back(self) -> bool:
        return self.now.holds_back(self.objects, self.operation)

    def counts(self) -> list[int]:
        return sorted(self.now.counts.values())


def taken() -> Task:
    """A task beside one that has the lock."""
    return Task().other(acquire(LOCK))


def test_a_failed_try_at_the_same_place_is_a_vain_round_and_the_next_one_awaits() -> None:
    task = taken().make((1, TRY))
    assert not task.counts()
    task.announce(1, TRY)
    assert task.counts() == [1]
    assert task.is_held_back()
    assert not task.other(release(LOCK)).is_held_back()


@pytest.mark.parametrize("bound", [1, 2, 3])
def test_the_bound_lets_a_round_be_made_so_often(bound: int) -> None:
    task = Task(Bounds(bound)).other(acquire(LOCK))
    for _ in range(bound):
        assert not task.announce(1, TRY).is_held_back()
        task.make((1, TRY))
    assert task.announce(1, TRY).is_held_back()


def test_the_same_try_at_another_place_is_another_thing() -> None:
    task = taken().make((1, TRY)).announce(2, TRY)
    assert not task.is_held_back()
    assert not task.counts()


def test_a_place_that_is_unknown_is_never_the_same() -> None:
    assert not taken().make((0, TRY)).announce(0, TRY).is_held_back()


def test_another_result_is_another_round() -> None:
    task = Task().make((1, read())).other(write(b"\1")).make((1, read()))
    assert task.announce(1, read()).counts() == [1, 1]
    assert task.is_held_back()
    assert task.other(write(b"\0")).is_held_back()
    assert not task.other(write(b"\2")).is_held_back()


def test_for_how_long_a_task_sleeps_makes_no_difference() -> None:
    task = taken().make((1, TRY), (2, Operation(KIND.SLEEP, number=5)), (1, TRY))
    task.make((2, Operation(KIND.SLEEP, number=10))).announce(1, TRY)
    assert task.is_held_back()
    assert plain(Operation(KIND.SLEEP, number=5)) == NAP
    assert plain(read()) == read()


def test_a_sleep_alone_is_no_round() -> None:
    task = Task().make((1, NAP), (1, NAP)).announce(1, NAP)
    assert not task.counts()


@pytest.mark.parametrize(
    "one",
    [
        [(1, put()), (2, get(block=False)), (3, TRY)],
        [(1, acquire(RLOCK)), (2, read())],
        [(1, write(b"\1", offset=1)), (2, read()), (3, write(b"\0", offset=1)), (4, write(b"\1", offset=2))],
    ],
    ids=["puts", "takes only", "writes something new"],
)
def test_a_round_that_leaves_something_changed_is_not_vain(one: Sequence[tuple[int, Operation]]) -> None:
    assert not taken().make(*one).announce(*one[0]).counts()


@pytest.mark.parametrize(
    "one",
    [
        [(1, acquire(RLOCK)), (2, read()), (3, release(RLOCK))],
        [(1, acquire(RLOCK)), (2, TRY), (3, release(RLOCK)), (4, NAP)],
        [(1, do(KIND.EVENT_IS_SET, EVENT)), (2, get(QUEUE, block=False))],
        [(1, do(KIND.EVENT_WAIT, EVENT, timed=True)), (2, acquire(LOCK, timed=True))],
    ],
    ids=["under a lock", "gives back", "two looks", "timed waits"],
)
def test_a_round_that_comes_to_nothing_is_vain(one: Sequence[tuple[int, Operation]]) -> None:
    assert taken().make(*one).announce(*one[0]).counts() == [1]


def test_a_round_that_gives_back_what_was_taken_before_it_is_not_vain() -> None:
    task = Task().make((9, acquire(RLOCK)), (1, read()), (2, release(RLOCK)))
    assert not task.announce(1, read()).counts()


def test_a_cell_that_is_written_as_it_was_left_last_time_makes_no_difference() -> None:
    one = [(1, write(b"\1", offset=1)), (2, read()), (3, write(b"\0", offset=1))]
    task = Task().make(*one).announce(*one[0])
    assert not task.counts()  # what stood there before the task wrote anything is not its own to know
    assert task.make(*one).announce(*one[0]).counts() == [1, 1, 1]  # from each of its places


def test_of_a_round_with_two_looks_the_last_one_waits() -> None:
    one = [(1, read(offset=0)), (2, read(offset=1))]
    task = Task().make(*one).announce(*one[0])
    assert not task.is_held_back()
    task.make(one[0]).announce(*one[1])
    assert task.is_held_back()


def test_who_has_seen_something_new_first_may_make_the_last_look() -> None:
    one = [(1, read(offset=0)), (2, read(offset=1))]
    task = Task().make(*one).other(write(b"\1")).make(one[0]).announce(*one[1])
    assert not task.is_held_back()


def test_rounds_are_counted_in_all_and_not_in_a_row() -> None:
    task = Task(Bounds(2)).make((1, get(block=False)))
    task.other(put(), do(KIND.QUEUE_FLUSH, QUEUE, number=1)).make((1, get(block=False)))
    task.make((1, get(block=False))).announce(1, get(block=False))
    assert task.counts() == [2]
    assert task.is_held_back()


def test_what_is_known_need_not_be_made_once() -> None:
    known = frozenset(taken().make((1, TRY)).announce(1, TRY).now.counts)
    for bound, held_back in ((0, True), (1, False)):
        task = Task(Bounds(bound, {}, known)).other(acquire(LOCK)).announce(1, TRY)
        assert task.is_held_back() is held_back


def test_a_place_may_have_a_higher_bound_of_its_own_and_never_a_lower_one() -> None:
    """One function may be called by a task that gives up early and by one that does not."""
    (one,) = taken().make((1, TRY)).announce(1, TRY).now.counts
    assert Bounds(1, {1: 4}).of(one) == 4
    assert Bounds(3, {1: 2}).of(one) == 3
    assert Bounds(3, {2: 7}).of(one) == 3


def test_a_round_that_is_too_long_is_none() -> None:
    longest = [(number, read(offset=2)) for number in range(1, LONGEST_ROUND + 1)]
    assert Task().make(*longest).announce(*longest[0]).counts() == [1]
    longer = [*longest, (LONGEST_ROUND + 1, read(offset=2))]
    assert not Task().make(*longer).announce(*longer[0]).counts()


def test_what_is_made_anew_in_each_round_is_the_same_in_each() -> None:
    def look(number: int) -> Operation:
        return do(KIND.LOCK_ACQUIRE, object_id(0, number), block=False)

    task = Task()
    for number in range(2):
        task.objects[object_id(0, number)] = task.objects[LOCK]
        task.other(acquire(object_id(0, number)))
        task.announce(1, look(number), created=1).go_on().announce(2, read()).go_on()
    task.announce(1, look(2), created=1)
    assert task.counts() == [1, 2]  # once from the read, twice from the lock


def test_a_change_of_a_content_that_is_settled_as_none_is_a_look() -> None:
    call = do(KIND.REFERENT_CHANGE, 16)
    for changed, counted in ((False, [1]), (True, [])):
        task = Task().make((1, call))
        task.before = task.before.settled(changed)
        assert task.announce(1, call).counts() == counted


def test_marks_are_not_told_to_the_task() -> None:
    assert bare(Result(marks=(1,))) == Result()
    assert bare(None) is None


def test_histories_have_the_same_digest_if_they_are_the_same() -> None:
    pasts = [taken().make((1, TRY), (2, NAP)).before.past for _ in range(2)]
    other = Task().make((1, TRY), (2, NAP)).before.past
    digests = [past.digest for past in (*pasts, other) if past is not None]
    assert digests[0] == digests[1] != digests[2]


def test_a_write_is_no_look_though_it_may_change_nothing() -> None:
    task = Task().make((1, write(b"\0"))).announce(1, write(b"\0"))
    assert not task.counts()
    assert task.now.task == 0
    assert MEMORY in task.objects
