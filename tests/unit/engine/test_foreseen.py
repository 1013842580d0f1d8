"""What a submission can do to the judge's own bookkeeping is foreseen: it ends in an outcome, and never in a bug."""

import time
from collections.abc import Sequence

import pytest

from grader.core.execution import Budget, Execution, OutcomeKind
from grader.core.operations import (
    JUDGE,
    Creation,
    ErrorCode,
    ObjectId,
    ObjectKind,
    Operation,
    OperationKind,
    Result,
    TaskId,
    object_id,
    process_object,
)
from grader.engine.driver import BROKE_IN, run
from grader.engine.explorer import explore
from grader.engine.machine import MAX_OBJECTS, Machine
from grader.engine.program import Announcement
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.steps import fits, is_enabled, perform
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.in_turn import InTurn
from grader.engine.tasks import TaskTable
from grader.grading.values import OPAQUE, decode_memory
from grader.primitives.memory import MemoryState
from grader.primitives.process import ProcessState

KIND = OperationKind
THERE: ObjectId = 5
MEMORY = MemoryState(bytes(8), "i", 2, -(2**62))


def asks(*operations: Operation) -> Script:
    def script():  # type: ignore[no-untyped-def]
        for operation in operations:
            yield Asked(operation)

    return script


def test_characters_that_are_none_are_shown_and_end_nothing() -> None:
    state = MemoryState(b"a\0\0\0\xff\xff\xff\x7f", "u", 2, -(2**62))
    assert decode_memory(state) == ["a", OPAQUE]


@pytest.mark.parametrize(("offset", "size"), [(4, -2), (0, -1), (8, -8), (-1, 2), (0, 9), (9, 0), (2**62, 1)])
def test_a_range_that_is_none_is_out_of_range(offset: int, size: int) -> None:
    step = perform({THERE: MEMORY}, 0, Operation(KIND.MEMORY_READ, THERE, offset=offset, number=size))
    assert step.result == Result(ok=False, error=ErrorCode.OUT_OF_RANGE)


@pytest.mark.parametrize(
    "kind", [kind for kind in KIND if kind.value.partition(".")[0] not in ("agent", "time")]
)
def test_in_a_rehearsal_what_is_not_there_can_wait_and_is_no_bug(kind: OperationKind) -> None:
    operation = Operation(kind, object_id(7, 7), targets=(process_object(9),))
    objects = {process_object(0): ProcessState(JUDGE)}
    if not fits(objects, 0, operation):
        return
    assert isinstance(is_enabled(objects, 0, operation), bool)


def test_in_a_rehearsal_an_object_may_be_another_one() -> None:
    objects = {process_object(0): ProcessState(JUDGE), THERE: MEMORY}
    assert fits(objects, 0, Operation(KIND.MEMORY_READ, THERE))
    assert not fits(objects, 0, Operation(KIND.LOCK_ACQUIRE, THERE))
    assert not fits(objects, 4, Operation(KIND.MEMORY_READ, THERE)), "the task itself is not there yet"


class _Names(Strategy):
    """Plans a task that is not about to do anything."""

    def __init__(self, task: TaskId) -> None:
        self._task = task

    def begin(self) -> bool:
        return True

    def choose(self, choice: Choice) -> TaskId | None:
        return self._task


@pytest.mark.parametrize("task", [1, 7, -3])
def test_a_plan_for_nobody_who_can_go_is_a_divergence(task: TaskId) -> None:
    program = ScriptedProgram(
        {}, [asks(Operation(KIND.SLEEP)), asks(Operation(KIND.PROCESS_JOIN, process_object(0)))]
    )
    execution = run(program, _Names(task), TaskTable(), 50)
    assert execution.outcome.kind is OutcomeKind.DIVERGED
    assert execution.trace == ()


def test_joins_of_processes_that_others_have_started_are_explored(exploring: "Sequence[Execution]") -> None:
    assert {execution.outcome.kind for execution in exploring} <= {OutcomeKind.COMPLETED, OutcomeKind.CRASHED}


@pytest.fixture
def exploring() -> Sequence[Execution]:
    """One task starts a process, another one joins it, whether it is there by then or not."""

    def starts():  # type: ignore[no-untyped-def]
        yield Asked(Operation(KIND.PROCESS_START, text="Process-1"), child=asks(Operation(KIND.SLEEP)))
        yield Asked(Operation(KIND.SLEEP))

    def joins():  # type: ignore[no-untyped-def]
        yield Asked(Operation(KIND.SLEEP))
        yield Asked(Operation(KIND.PROCESS_JOIN, process_object(2)))
        yield Asked(Operation(KIND.PROCESS_WAIT, targets=(process_object(2),)))

    seen: list[Execution] = []

    def watch(execution: Execution) -> bool:
        seen.append(execution)
        return True

    explore(ScriptedProgram({}, [starts, joins]), Dpor(), Budget(executions=50, steps=100), watch)
    return seen


def test_ten_thousand_objects_are_made_in_no_time() -> None:
    machine = Machine({process_object(0): ProcessState(JUDGE)}, TaskTable())
    machine.tasks.top(0, "main")
    lock = object_id(0, 0)
    made = [Creation(lock, ObjectKind.LOCK, number=1)]
    made += [
        Creation(object_id(0, number), ObjectKind.MEMORY, number=4, lock=lock)
        for number in range(1, MAX_OBJECTS - 1)
    ]
    began = time.process_time()
    machine.announce(Announcement(0, Operation(KIND.SLEEP), tuple(made)))
    assert time.process_time() - began < 2.0, "it took a minute when each was compared with all the others"
    assert len(machine.objects) == MAX_OBJECTS


def test_a_bug_of_ours_tells_the_order_in_which_it_came_up() -> None:
    class Buggy(InTurn):
        def choose(self, choice: Choice) -> TaskId | None:
            if choice.position == 2:
                raise ZeroDivisionError
            return super().choose(choice)

    program = ScriptedProgram({}, [asks(*[Operation(KIND.SLEEP)] * 3)])
    with pytest.raises(ZeroDivisionError) as caught:
        run(program, Buggy(), TaskTable(), 50)
    execution: Execution = getattr(caught.value, BROKE_IN)
    assert [step.task for step in execution.trace] == [0, 0]
