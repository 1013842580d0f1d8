"""What is said of processes that have not come to their end: only what is true of the last state."""

from collections.abc import Generator
from typing import Any

from grader.core.execution import OutcomeKind
from grader.core.operations import OperationKind, Result, process_object
from grader.engine.driver import run
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.random_walk import RandomWalk
from grader.engine.tasks import TaskTable
from grader.grading.flaws import general_flaws, waits_for
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from tests.programs import acquire, do, read, release

KIND = OperationKind


def ended(scenario: Scenario, scripts: list[Script], steps: int = 2_000) -> tuple[Observed, Names]:
    strategy: Strategy = RandomWalk(1, 1)
    execution = run(ScriptedProgram(scenario.objects, scripts), strategy, TaskTable(), steps)
    return Observed(scenario, execution), Names("", scenario.shared, execution, {})


def said(seen: Observed, names: Names) -> dict[str, str]:
    return {
        seen.label(task): waits_for(seen, names, task, operation)
        for task, operation in seen.execution.pending.items()
    }


def test_a_polling_loop_looks_at_the_value_and_not_at_the_free_lock_around_it() -> None:
    scenario = Scenario(1)
    counter = scenario.value("i", 3, "counter").object
    lock = scenario.lock().object

    def poll() -> Generator[Any, Result, None]:
        while True:
            yield acquire(lock)
            yield read(counter, size=4)
            yield release(lock)

    seen, names = ended(scenario, [poll])
    assert seen.execution.outcome.kind is OutcomeKind.LIVELOCK
    assert said(seen, names) == {"P1": "looks at counter (which is 3) again and again"}
    (flaw,) = [flaw for flaw in general_flaws(seen, names) if "round" in flaw.message]
    assert "looking at counter (which is 3) again and again" in flaw.message


def test_a_loop_around_an_attempt_at_a_lock_looks_at_the_lock() -> None:
    scenario = Scenario(1)
    lock = scenario.lock().object

    def poll() -> Generator[Any, Result, None]:
        yield acquire(lock)
        while True:
            yield acquire(lock, block=False)

    assert said(*ended(scenario, [poll])) == {"P1": "looks at lock (which is held by P1) again and again"}


def test_who_could_go_on_does_not_wait() -> None:
    scenario = Scenario(1)
    lock = scenario.lock().object

    def forever() -> Generator[Any, Result, None]:
        while True:
            yield acquire(lock)
            yield release(lock)

    seen, names = ended(scenario, [forever], steps=10)
    assert seen.execution.outcome.kind is OutcomeKind.STEP_LIMIT
    assert said(seen, names) == {"P1": "could go on"}


def test_a_join_without_a_line_is_at_the_end_of_the_program() -> None:
    scenario = Scenario(1)
    lock = scenario.lock().object

    def child() -> Generator[Any, Result, None]:
        yield acquire(lock)
        yield acquire(lock)

    def parent() -> Generator[Any, Result, None]:
        started = yield Asked(do(KIND.PROCESS_START, 0), child=child)
        yield do(KIND.PROCESS_JOIN, process_object(started.number))

    seen, names = ended(scenario, [parent])
    labels = dict(seen.execution.labels)
    assert [labels[task] for task in seen.execution.pending] == ["P1", "P1.1"]
    assert said(seen, names)["P1"] == "waits for P1.1 to end (at the end of P1)"
