"""CPython's tests on our stage: which there are, and what becomes of one under schedules. Start at `Stage.try_out`.

The tests are run by `driver`, which is imported under control once; each execution is a fork of that process.
"""

import enum
import pickle
import unittest
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import process_object
from grader.engine.driver import run
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.random_walk import PCT, RandomWalk
from grader.engine.tasks import TaskTable
from grader.grading.scenario import Scenario
from grader.grading.workbench import Workbench
from grader.primitives.process import ProcessState
from grader.runtime.template import SubmissionText, Template
from tests.fidelity.timely import Patient, Timely

_DRIVER = Path(__file__).with_name("driver.py").read_text(encoding="utf-8")
_TASK = 1
_MOST_STEPS = 20_000
SEED = 1


class End(enum.Enum):
    """What one execution says about a test."""

    PASSED = "passed"
    SKIPPED = "skipped itself"
    ANNOUNCED = "not controlled"
    FAILED = "failed"
    LONG = "too long"


class Seen(NamedTuple):
    """One execution: its end, and what was said about it."""

    end: End
    words: str


def timely(executions: int) -> list[Strategy]:
    """Schedules in which a sleep takes as long as it says."""
    return [Timely(SEED, executions)]


def anyhow(executions: int) -> list[Strategy]:
    """Schedules that have no regard to time, except for timeouts of many seconds."""
    drawn = (executions + 1) // 2
    inner = (Extremes(executions), PCT(SEED, drawn), RandomWalk(SEED, drawn))
    return [Patient(strategy) for strategy in inner]


def names() -> list[str]:
    """All test methods of the interpreter's own tests of `multiprocessing`, but not those with threads only.

    Raises:
        ImportError: Python was built without its tests.
    """
    from test import _test_multiprocessing as suite

    made: dict[str, object] = {"__name__": "made"}
    suite.install_tests_in_module_dict(made, "fork")
    return [
        f"{name}.{method}"
        for name, cls in made.items()
        if isinstance(cls, type) and issubclass(cls, unittest.TestCase) and not name.startswith("WithThreads")
        for method in unittest.TestLoader().getTestCaseNames(cls)
    ]


class Stage:
    """A process that has imported the tests, renewed when something has broken it."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._open()

    def _open(self) -> None:
        text = SubmissionText("driver", "driver.py", _DRIVER)
        self._runner = self._template.runner(text)
        self._bench = Workbench(self._template, text, "", "", self._runner)

    def close(self) -> None:
        """End its processes."""
        self._runner.close()

    def try_out(self, name: str, strategies: Sequence[Strategy]) -> Iterator[Seen]:
        """Execute a test under the schedules of all strategies."""
        class_name, _, method = name.partition(".")
        scenario = Scenario()
        scenario.main("run", class_name, method)
        tasks = TaskTable()
        for strategy in strategies:
            while strategy.begin():
                program = self._bench.program(scenario, fresh=True)
                execution = run(program, strategy, tasks, _MOST_STEPS)
                yield _seen(execution)
                if execution.outcome.kind in (OutcomeKind.HUNG, OutcomeKind.SILENT, OutcomeKind.CRASHED):
                    self.close()
                    self._open()


def _seen(execution: Execution) -> Seen:
    outcome = execution.outcome
    if outcome.kind is OutcomeKind.UNCONTROLLED:
        return Seen(End.ANNOUNCED, outcome.detail)
    if outcome.kind is OutcomeKind.STEP_LIMIT:
        return Seen(End.LONG, "")
    state = execution.objects[process_object(_TASK)]
    assert isinstance(state, ProcessState)
    if outcome.kind is not OutcomeKind.COMPLETED or state.returned is None:
        story = state.failure.message if state.failure is not None else f"exit code {state.exit_code}"
        return Seen(End.FAILED, f"{outcome.kind.value} {outcome.detail}\n{story}")
    reason = pickle.loads(state.returned)
    return Seen(End.SKIPPED if reason else End.PASSED, reason)
