"""Wakeup trees hold each planned sequence once."""

from grader.core.operations import DONE, Operation, Step, TaskId
from grader.engine.strategies.wakeup import WakeupTree, may_start, without_first
from tests.programs import read, write


def made(task: TaskId, operation: Operation) -> Step:
    return Step(task, operation, DONE, (operation.object,))


A, B = 1, 2
WRITE_A, WRITE_A_TOO, WRITE_B = made(0, write(b"\1", A)), made(1, write(b"\1", A)), made(2, write(b"\1", B))
READ_B = made(3, read(B))


def shape(tree: WakeupTree) -> list[object]:
    def of(branches: list) -> list:  # type: ignore[type-arg]
        return [(branch.step.task, of(branch.children)) for branch in branches]

    return of(tree.branches)


def test_a_step_may_start_a_sequence_that_it_does_not_conflict_with() -> None:
    assert may_start(WRITE_B, [WRITE_A, WRITE_A_TOO])
    assert not may_start(WRITE_A, [WRITE_B, WRITE_A_TOO])


def test_a_step_of_the_sequence_may_start_it_if_nothing_before_it_conflicts() -> None:
    assert may_start(WRITE_B, [WRITE_A, WRITE_B])
    assert not may_start(WRITE_A_TOO, [WRITE_A, WRITE_A_TOO])


def test_a_covered_sequence_is_not_planned_again() -> None:
    tree = WakeupTree()
    assert tree.insert([WRITE_A, WRITE_B])
    assert not tree.insert([WRITE_B, WRITE_A])
    assert not tree.insert([WRITE_A, WRITE_B, READ_B])
    assert shape(tree) == [(0, [(2, [])])]


def test_a_sequence_is_planned_where_it_parts_from_the_others() -> None:
    tree = WakeupTree()
    tree.insert([WRITE_A, WRITE_B])
    assert tree.insert([WRITE_A, READ_B, WRITE_B])
    assert tree.insert([WRITE_A_TOO, WRITE_A])
    assert shape(tree) == [(0, [(2, []), (3, [(2, [])])]), (1, [(0, [])])]


def test_the_first_step_of_a_task_is_taken_out() -> None:
    sequence = [WRITE_A, WRITE_B, WRITE_A]
    without_first(sequence, 0)
    assert sequence == [WRITE_B, WRITE_A]
    without_first(sequence, 9)
    assert sequence == [WRITE_B, WRITE_A]
