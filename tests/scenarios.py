"""Scenarios whose calls are scripts, for tests of what is said about them. Start at `observed`."""

from collections.abc import Generator
from typing import Any

from grader.core.execution import Execution
from grader.core.operations import Operation, OperationKind, Result
from grader.engine.driver import run
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.grading import expect_queue
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared
from grader.grading.values import encode_memory, plain_pickle

KIND = OperationKind
Steps = Generator[Operation | Asked, Result, None]
MAIN = 1


def nothing() -> Steps:
    yield from ()


def observed(scenario: Scenario, scripts: list[Script], schedule: list[int] | None = None) -> Observed:
    """The scenario's calls as scripts; task 0 is the import, which has nothing to do. `schedule` starts the order."""
    for _ in scripts:
        scenario.call("function")
    program = ScriptedProgram(scenario.objects, [nothing, *scripts])
    strategy = Replay([(place + 1,) for place in schedule or []])
    execution: Execution = run(program, strategy, TaskTable(), 1_000)
    return Observed(scenario, execution)


def read(value: Shared, offset: int = 0) -> Operation:
    return Operation(KIND.MEMORY_READ, value.object, offset=offset, number=4, line=2)


def write(value: Shared, number: int, offset: int = 0) -> Operation:
    return Operation(
        KIND.MEMORY_WRITE, value.object, offset=offset, data=encode_memory("i", [number]), line=3
    )


def adding(value: Shared, lock: Shared | None = None, amount: int = 1) -> Script:
    def script() -> Steps:
        if lock is not None:
            yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=1)
        result = yield read(value)
        yield write(value, int.from_bytes(result.data, "little") + amount)
        if lock is not None:
            yield Operation(KIND.LOCK_RELEASE, lock.object, line=4)

    return script


def returning(value: Any) -> Steps:
    yield Operation(KIND.PROCESS_RETURN, text=type(value).__name__, data=plain_pickle(value))


def counter(lock: bool = True) -> tuple[Scenario, Shared, Shared]:
    scenario = Scenario()
    return scenario, scenario.value("i", 0, "counter"), scenario.lock()


def putting(queue: Shared, *items: Any) -> Script:
    return expect_queue.putting_partner(queue, items)
