"""Whole sessions without processes: made-up tasks (`tests.puppets`), examined as a submission is.

Start at `examined`.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from grader.core.execution import Budget, Execution
from grader.core.operations import (
    JUDGE,
    ObjectId,
    ObjectKind,
    TaskId,
    object_id,
    process_object,
)
from grader.core.verdict import CheckResult, CheckStatus, Finding, Grade
from grader.engine.driver import run
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.grading import expect, expect_queue
from grader.grading.examination import Examination
from grader.grading.findings import FindingMaker, Origin
from grader.grading.flaws import Flaw
from grader.grading.merging import merge
from grader.grading.observed import Observed
from grader.grading.patience import PATIENCE
from grader.grading.scenario import Scenario, Shared
from grader.primitives.pipe import inherited
from grader.primitives.process import ProcessState
from grader.runtime import session as session_module
from grader.runtime.patience import Patience
from grader.runtime.programs import HOST_PLACE
from grader.runtime.session import ProcessSession
from grader.runtime.template import SubmissionText
from tests.puppets import HOSTILE, SOURCE, TYPECODES, Known, NoRunner, Stage


class PuppetProgram:
    """A program of made-up tasks, which does the same again under the same schedule."""

    has_reused = remembers = False

    def __init__(self, seed: str, scenario: Scenario, shared: Sequence[Known], hostile: float) -> None:
        self._seed, self._scenario, self._shared, self._hostile = seed, scenario, shared, hostile
        self.steps = 0

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        places = range(HOST_PLACE + 1, HOST_PLACE + 1 + len(self._scenario.calls))
        processes = {process_object(place): ProcessState(JUDGE) for place in places}
        return {**inherited(self._scenario.objects, HOST_PLACE, list(places)), **processes}

    def launch(self, tasks: TaskTable) -> ProcessSession:
        tasks.top(HOST_PLACE, "import")
        stage = Stage(self._seed, self._shared, self._hostile)
        stage.tasks = len(self._scenario.calls)
        stage.said = self._count
        session_module.pair = stage.pair
        runner = NoRunner(stage)
        session = ProcessSession(runner, Patience(runner))  # type: ignore[arg-type]
        for place, call in enumerate(self._scenario.calls, start=HOST_PLACE + 1):
            task = tasks.top(place, call.label)
            wire, other = stage.pair()
            stage.puppet((place,), task, other.detach(), list(self._shared))
            session.add(task, wire, call.function, place)
        return session

    def _count(self) -> None:
        self.steps += 1

    def close(self) -> None:
        pass


@contextmanager
def _restored() -> Iterator[None]:
    before = session_module.pair
    try:
        yield
    finally:
        session_module.pair = before


class Played(NamedTuple):
    """What came of a made-up program: how many steps were made, the executions, and the grade that says it."""

    steps: int
    executions: list[Execution]
    grade: Grade


class _Play(NamedTuple):
    """A made-up program, and what there is to judge it by."""

    program: PuppetProgram
    scenario: Scenario
    value: Shared
    lock: Shared
    queue: Shared
    symmetric: bool


def _made_up(seed: str, hostile: float) -> _Play:
    drawn = random.Random(seed)
    scenario = Scenario(drawn.randint(1, 3))
    typecode = drawn.choice(TYPECODES)
    value = scenario.value(typecode, {"c": b"a", "u": "a"}.get(typecode, 0), "value")
    lock, queue = scenario.lock(), scenario.queue("queue", drawn.choice((0, 3)), [1, None])
    known = [Known(ObjectKind.MEMORY, value.object), Known(ObjectKind.LOCK, lock.object)]
    known += [Known(ObjectKind.QUEUE, queue.object), Known(ObjectKind.LOCK, object_id(JUDGE, 0))]
    scenario.call("f1", value, lock, queue, count=scenario.processes)
    program = PuppetProgram(seed, scenario, known, hostile)
    return _Play(program, scenario, value, lock, queue, drawn.random() < 0.5)


def examined(
    seed: str, strategies: Callable[[], Sequence[Strategy]], budget: Budget, hostile: float = HOSTILE
) -> Played:
    """Examine the program of this seed as a check is, up to its grade."""
    program, scenario, value, lock, queue, symmetric = _made_up(seed, hostile)
    origin = Origin(
        SubmissionText("counter", "counter.py", SOURCE), "0" * 64, exercise="counter", check="test_x"
    )
    executions: list[Execution] = []
    with _restored():
        examination = Examination(
            lambda fresh: program,
            scenario,
            lambda seen: _asked(seen, value, lock, queue),
            FindingMaker(origin, scenario),
            budget,
            executions.append,
            symmetric=symmetric,
            overshoot=lambda seen: expect_queue.too_many(seen, queue, [1]),
            has_floor=True,
            patience=PATIENCE,
        )
        evidence = examination.run(strategies)
        findings = tuple(examination.findings())
        blocked = examination.inconclusive()
    if blocked is not None:
        findings = (*findings, blocked)
    return Played(program.steps, executions, _grade(findings, merge([evidence])))


def played_again(seed: str, execution: Execution, hostile: float) -> Execution | None:
    """The same schedule once more; None where orders of identical processes were left out."""
    play = _made_up(seed, hostile)
    if play.symmetric:
        return None
    schedule = [execution.paths[task] for task in execution.schedule]
    tasks = TaskTable()
    for task in sorted(execution.paths):
        tasks._number(execution.paths[task])
    with _restored():
        return run(play.program, _Followed(schedule), tasks, len(schedule))


class _Followed(Replay):
    """Up to the end of the schedule, and no further."""

    def choose(self, choice: Choice) -> TaskId | None:
        return None


def _grade(findings: tuple[Finding, ...], evidence: Any) -> Grade:
    status = CheckStatus.FAILED if findings else CheckStatus.PASSED
    check = CheckResult("test_x", "It works", "f1", status, 0.0, 1.0, 0.1, evidence, findings)
    return Grade("counter.py", "0" * 64, "counter", (check,), 0.1, tuple(SOURCE.split("\n")))


def _asked(seen: Observed, value: Shared, lock: Shared, queue: Shared) -> list[Flaw]:
    """Everything that checks ask for."""
    flaws = [
        *expect.final_value(seen, value, 3),
        *(expect.above(seen, value, 1) if type(seen.value(value)) in (int, float) else ()),
        *expect.lock_is_free(seen, lock),
        *expect.all_under(seen, value, lock),
        *expect.returns_nothing(seen, "f1"),
        *expect_queue.holds(seen, queue, [1, 2]),
        *expect_queue.left_on(seen, queue, [1]),
    ]
    for main in seen.scenario.tasks()[:1]:
        flaws += [
            *expect.returned(seen, main, 3, "f1(3)"),
            *expect.has_read(seen, main, 3, "f1(3)"),
            *expect.all_together(seen, main, 2, "f1(3)"),
            *expect.each_does_its_share(seen, main, "f1(3)"),
            *expect.nothing_left(seen, main, "f1(3)"),
            *expect.nobody_killed(seen, main, "f1(3)"),
            *expect.exactly(seen, main, 2, "f1(3)"),
            *expect.started_again(seen, main, 1, "f1(3)"),
            *expect_queue.pipeline_returned(seen, main, [1], "f1(3)", in_order=True),
            *expect_queue.has_queue_of(seen, main, 1, "f1(3)"),
            *expect_queue.one_sentinel_each(seen, main, 1, "f1(3)"),
        ]
    return flaws
