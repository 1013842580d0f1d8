"""Identifiers of objects and processes, and when a call waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.operations import (
    JUDGE,
    NO_OBJECT,
    OBJECTS_PER_TASK,
    Operation,
    OperationKind,
    creator_of,
    object_id,
    process_object,
    task_of,
)

tasks = st.integers(0, 10_000)
numbers = st.integers(0, OBJECTS_PER_TASK - 1)


@given(creator=tasks | st.just(JUDGE), number=numbers)
def test_the_maker_of_an_object_is_told_by_its_id(creator: int, number: int) -> None:
    assert creator_of(object_id(creator, number)) == creator


@given(task=tasks, creator=tasks | st.just(JUDGE), number=numbers)
def test_a_process_is_no_other_object(task: int, creator: int, number: int) -> None:
    assert task_of(process_object(task)) == task
    assert process_object(task) not in (object_id(creator, number), NO_OBJECT)


@given(one=st.tuples(tasks, numbers), other=st.tuples(tasks, numbers))
def test_two_objects_have_two_ids(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert (object_id(*one) == object_id(*other)) == (one == other)


@pytest.mark.parametrize(
    ("block", "timed", "waits"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_only_a_blocking_call_without_a_timeout_waits_without_end(
    block: bool, timed: bool, waits: bool
) -> None:
    assert Operation(OperationKind.LOCK_ACQUIRE, block=block, timed=timed).may_wait is waits
