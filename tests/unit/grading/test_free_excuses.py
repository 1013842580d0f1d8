"""What goes wrong only because a run spawns is not held against a submission; the same in a forked run is."""

from typing import Any

import pytest

from grader.grading.free_excuses import excuse
from grader.grading.free_verdict import Expectation, PlannedRun
from grader.runtime.free import During, FreeFailure, FreeReport, FreeRun, FreeStatus, StartMethod

BOOTSTRAP = (
    "\n        An attempt has been made to start a new process before the\n        bootstrapping phase."
)
GUARD = 'File "counter.py", line 37, in <module>'


def excused(kind: str, message: str, method: StartMethod = StartMethod.SPAWN, **more: Any) -> str:
    failure = FreeFailure(kind, During.TASK, message, **more)
    planned = PlannedRun("run_counter", 2, "run_counter(2)", FreeRun(method), Expectation())
    return excuse(planned, FreeReport(FreeStatus.DONE, failure=failure))


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        ("AttributeError", "Can't pickle local object 'run_counter.<locals>.work'", "pickled"),
        ("AttributeError", "Can't get local object 'run_counter.<locals>.work'", "pickled"),
        ("PicklingError", "Can't get it", "pickled"),
        ("TypeError", "cannot pickle '_thread.lock' object", "pickled"),
        ("RuntimeError", BOOTSTRAP, "__main__"),
        ("RuntimeError", "context has already been set", "set_start_method()"),
    ],
)
def test_only_a_spawned_run_is_excused(kind: str, message: str, words: str) -> None:
    assert words in excused(kind, message)
    assert excused(kind, message, StartMethod.FORK) == ""


def test_the_line_without_a_guard_is_told() -> None:
    trace = f"Traceback (most recent call last):\n  {GUARD}\n    print(run_counter(3))\n"
    assert excused("RuntimeError", BOOTSTRAP, traceback=trace).startswith("Line 37 starts processes")


@pytest.mark.parametrize(
    ("kind", "message"), [("ValueError", "no"), ("RuntimeError", "no"), ("ValueError", BOOTSTRAP)]
)
def test_anything_else_counts(kind: str, message: str) -> None:
    assert excused(kind, message) == ""


def test_a_run_without_an_exception_is_not_excused() -> None:
    planned = PlannedRun("f", 2, "f", FreeRun(StartMethod.SPAWN), Expectation())
    assert excuse(planned, FreeReport(FreeStatus.HANG)) == ""
