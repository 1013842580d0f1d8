"""The order in which every try fails that can, for those who count how often they were unlucky."""

import pytest

from grader.core.execution import Budget, Execution
from grader.core.operations import Operation, OperationKind
from grader.engine.explorer import explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.bursts import Contrary
from tests.programs import LOCK, acquire, objects, release

TRIES = 6
UNLUCKY = Operation(OperationKind.SLEEP, number=7)
"""What a task does that has failed in each of its tries."""


def unlucky(tries: int = TRIES) -> Script:
    def script():  # type: ignore[no-untyped-def]
        failed = 0
        for _ in range(tries):
            result = yield acquire(block=False)
            if not result.ok:
                failed += 1
                yield acquire()
            yield release()
        if failed == tries:
            yield UNLUCKY

    return script


def retrying() -> Script:
    def script():  # type: ignore[no-untyped-def]
        result = yield acquire(block=False)
        while not result.ok:
            result = yield acquire(block=False)
        yield release()

    return script


def made(*scripts: Script) -> list[Execution]:
    found: list[Execution] = []

    def watch(execution: Execution) -> bool:
        found.append(execution)
        return True

    explore(ScriptedProgram(objects(), scripts), Contrary(), Budget(), watch)
    return found


@pytest.mark.parametrize("tasks", [2, 3])
def test_somebody_fails_in_each_of_its_tries(tasks: int) -> None:
    (execution,) = made(*[unlucky()] * tasks)
    assert not execution.pending
    assert any(step.operation.number == UNLUCKY.number for step in execution.trace)


def test_who_tries_until_it_works_comes_to_an_end() -> None:
    (execution,) = made(retrying(), retrying(), unlucky(2))
    assert not execution.pending
    tries = [step for step in execution.trace if step.operation.object == LOCK]
    assert any(step.result is not None and not step.result.ok for step in tries)
