"""A free run that goes wrong is believed only if it does so again; one that only takes too long is no failure."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from grader.core.verdict import FindingKind
from grader.grading.free_plans import plan
from grader.grading.free_sampling import Sample, sample
from grader.grading.free_verdict import Expectation, PlannedRun, assess
from grader.runtime.free import FreeRun, RealCall, StartMethod, decode, plainly

RIGHT, WRONG, OTHER = ({"status": "done", "returned": number, "started": 2} for number in (2, 1, 0))
SLOW, STUCK, BUSY = ({"status": "hang", **more} for more in ({}, {"cause": "deadlock"}, {"cause": "cpu"}))


class Scripted:
    """A runner that gives these answers, and notes what it was asked for."""

    def __init__(self, answers: Sequence[dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def ask(self, command: dict[str, Any], seconds: float) -> bytes:
        self.asked.append(command)
        return msgspec.json.encode(self.answers.pop(0))

    def close(self) -> None:
        pass


def performed(*answers: dict[str, Any], real_time: bool = False) -> tuple[Sample, Scripted]:
    runner = Scripted(answers)
    call = RealCall("run_counter", (plainly(2),))
    run = FreeRun(StartMethod.FORK, call=call, real_time=real_time)
    planned = PlannedRun("run_counter", 2, "run_counter(2)", run, Expectation(returned=2, started=2))
    found = sample(lambda: runner, [planned], lanes=1)
    assert not runner.answers
    return found, runner


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([RIGHT], None),
        ([WRONG, WRONG, WRONG, WRONG], FindingKind.WRONG_RESULT),
        ([WRONG, RIGHT, WRONG, RIGHT], FindingKind.RACE),
        ([WRONG, OTHER, RIGHT, RIGHT], FindingKind.RACE),
        ([STUCK, STUCK], FindingKind.DEADLOCK),
        ([STUCK, RIGHT, STUCK], FindingKind.DEADLOCK),
        ([BUSY, BUSY], FindingKind.HANG),
        ([WRONG, RIGHT, SLOW, STUCK], FindingKind.RACE),
    ],
)
def test_once_more_is_enough(answers: list[dict[str, Any]], kind: FindingKind | None) -> None:
    found, _ = performed(*answers)
    assert [flaw.kind for flaw in found.flaws] == ([kind] if kind else [])
    assert [flaw.function for flaw in found.flaws] == (["run_counter"] if kind else [])
    assert found.remark == ""


@pytest.mark.parametrize("first", [WRONG, STUCK, BUSY])
def test_what_never_happens_again_is_only_told(first: dict[str, Any]) -> None:
    found, _ = performed(first, RIGHT, RIGHT, SLOW)
    assert found.flaws == ()
    assert found.remark.startswith("Once, and not again in 3 more runs: run_counter(2)")


def test_a_run_that_takes_too_long_is_inconclusive_and_not_repeated() -> None:
    found, _ = performed(SLOW)
    assert [flaw.kind for flaw in found.flaws] == [FindingKind.INCONCLUSIVE]
    assert "second" not in found.flaws[0].message


def test_a_run_in_real_time_is_made_again_with_short_sleeps() -> None:
    found, runner = performed(SLOW, RIGHT, real_time=True)
    assert found.flaws == ()
    assert [asked["run"].get("real_time", False) for asked in runner.asked] == [True, False]
    assert runner.asked[0]["seconds"] < runner.asked[1]["seconds"]


@pytest.mark.parametrize("exercise", ["counter", "shared_value", "consumer"])
def test_every_function_is_run_in_real_time_once_and_those_that_share_by_spawn(exercise: str) -> None:
    runs = plan(exercise)
    functions = {planned.function for planned in runs}
    real = [planned.function for planned in runs if planned.run.real_time]
    assert sorted(real) == sorted(functions)
    spawned = {planned.function for planned in runs if planned.run.method is StartMethod.SPAWN}
    assert functions - spawned <= {"producer"}


@pytest.mark.parametrize("exercise", ["counter", "shared_value", "consumer"])
def test_every_function_is_run_once_after_the_file_was_run_as_a_script(exercise: str) -> None:
    scripts = [planned for planned in plan(exercise) if planned.run.as_script]
    assert sorted(planned.function for planned in scripts) == sorted({run.function for run in plan(exercise)})
    assert not any(planned.run.real_time for planned in scripts)


def test_after_the_file_was_run_as_a_script_only_a_wrong_value_counts() -> None:
    call = RealCall("run_counter", (plainly(2),))
    run = FreeRun(StartMethod.FORK, call=call, as_script=True)
    planned = PlannedRun("run_counter", 2, "run_counter(2)", run, Expectation(returned=2, started=2))
    kinds = [
        assess(planned, decode(msgspec.json.encode(answer))) for answer in (RIGHT, WRONG, STUCK, BUSY, SLOW)
    ]
    assert [flaw and flaw.kind for flaw in kinds] == [None, FindingKind.WRONG_RESULT, None, None, None]
