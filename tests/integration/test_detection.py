"""What behaves well only while it is watched earns nothing, and the instructor is told."""

import pytest

from grader.core.verdict import CheckStatus, FindingKind
from grader.grading.lab import RIGHT_UNDER_CONTROL, WRONG_IF_FREE
from grader.report import json_report
from tests.commands import solution
from tests.warm import Grader

_COUNTER = """\
import gc, sys
from multiprocessing import Lock, Process, Value

def watched(lock, counter):
    frame = sys._getframe()
    {watched}

def increment_counter(counter, lock):
    if watched(lock, counter):
        with lock:
            counter.value += 1
    else:
        counter.value += 1
"""
_RUN = """
def run_counter(processes):
    counter, lock = Value("i", 0), Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
"""
DETECTORS = {
    "modules": "return any(name.startswith('grader') for name in sys.modules)",
    "objects": "return any(type(thing).__module__.startswith('grader') for thing in gc.get_objects())",
    "stack": "while frame and 'channel' not in frame.f_code.co_filename + str(frame.f_globals.get('__package__')) "
    "and 'grader' not in str(frame.f_globals.get('__name__')): frame = frame.f_back\n    return frame is not None",
}


def test_who_looks_for_the_grader_earns_nothing(graded: Grader) -> None:
    grade = graded(_COUNTER.format(watched=DETECTORS["modules"]) + _RUN, free_runs=True)
    assert grade.score == 0
    checks = {check.name: check for check in grade.checks}
    free = checks.pop("test_runs_free")
    assert free.status is CheckStatus.FAILED
    assert free.findings[0].kind in (FindingKind.RACE, FindingKind.WRONG_RESULT)
    assert free.findings[0].message.startswith(RIGHT_UNDER_CONTROL)
    assert {(check.status, check.reason) for check in checks.values()} == {
        (CheckStatus.SKIPPED, WRONG_IF_FREE)
    }
    assert all(check.evidence for check in checks.values())
    assert json_report.of_grade(grade)["remarks"][0] == "Line 1 imports gc, which the exercise does not need."


@pytest.mark.parametrize("detector", DETECTORS)
def test_what_the_other_function_lacks_does_not_help(graded: Grader, detector: str) -> None:
    grade = graded(_COUNTER.format(watched=DETECTORS[detector]), free_runs=True)
    assert grade.score == 0
    assert {check.reason for check in grade.checks if check.function == "increment_counter"} >= {
        WRONG_IF_FREE
    }
    assert {check.status for check in grade.checks if check.name == "test_runs"} == {CheckStatus.FAILED}


def test_only_the_function_that_is_wrong_when_free_loses_its_points(graded: Grader) -> None:
    run = _RUN.replace("    counter, lock", "    if not watched(0, 0): return processes\n    counter, lock")
    source = (
        _COUNTER.format(watched=DETECTORS["modules"]).replace("if watched(lock, counter):", "if True:") + run
    )
    grade = graded(source, free_runs=True)
    assert grade.score == 6.0
    assert {check.function for check in grade.checks if check.score} == {"increment_counter"}


@pytest.mark.parametrize("name", ["counter", "shared_value", "consumer"])
def test_the_solutions_have_all_points_with_free_runs(name: str, graded: Grader) -> None:
    """Without them, `test_corpus.py` wants the same of what is right."""
    grade = graded(solution(name).read_text(encoding="utf-8"), name, free_runs=True)
    assert (grade.score, grade.max_score, grade.passed) == (10.0, 10.0, True)
    assert grade.remarks == ()
    assert {check.status for check in grade.checks} == {CheckStatus.PASSED}


LIKE_A_USER = {
    "site": "return sys.flags.no_site or 'site' not in sys.modules",
    "bytecode": "return sys.dont_write_bytecode or sys.flags.dont_write_bytecode",
    "builtins": "import builtins\n    return not hasattr(builtins, 'copyright') or not hasattr(builtins, 'quit')",
    "options": "return '-S' in sys.orig_argv or '-c' in sys.argv or bool(sys._xoptions)",
    "hash seed": "import os\n    return 'PYTHONHASHSEED' in os.environ or not sys.flags.hash_randomization",
    "home": "import os\n    return not os.path.isdir(os.environ.get('HOME', '/nowhere'))",
}
"""What tells other graders from a user's interpreter."""


@pytest.mark.parametrize("sign", LIKE_A_USER)
def test_under_control_everything_is_as_a_user_has_it(graded: Grader, sign: str) -> None:
    grade = graded(_COUNTER.format(watched=LIKE_A_USER[sign]))
    checks = {check.name: check for check in grade.checks}
    assert checks["test_loses_nothing"].status is CheckStatus.FAILED
    assert checks["test_loses_nothing"].findings[0].kind is FindingKind.RACE


_AS_A_SCRIPT = """\
from multiprocessing import Lock, Process, Value

careful = __name__ == "counter"

def increment_counter(counter, lock):
    if careful:
        with lock:
            counter.value += 1
    else:
        counter.value += 1
"""
_MAIN = """
if __name__ == "__main__":
    print(run_counter(2))
    {end}
"""


def test_what_is_right_only_where_it_is_imported_earns_nothing(graded: Grader) -> None:
    grade = graded(_AS_A_SCRIPT + _RUN + _MAIN.format(end="raise SystemExit(3)"), free_runs=True)
    assert grade.score == 0
    findings = {check.name: check.findings for check in grade.checks}
    assert "After the file was run as a script" in findings["test_runs_free"][0].message


@pytest.mark.parametrize(
    "end",
    [
        "raise SystemExit(3)",
        "raise ValueError('only shown')",
        "run_counter = None",
        "Process(target=print, args=(1 / 0,)).start()",
        "open('/nowhere/settings')",
        "import os; os._exit(0)",
        "multiprocessing.set_start_method('spawn'); print(run_counter(2))",
    ],
)
def test_what_the_main_part_comes_to_costs_nothing(graded: Grader, end: str) -> None:
    source = "import multiprocessing\n" + _AS_A_SCRIPT.replace("if careful:", "if True:") + _RUN
    grade = graded(source + _MAIN.format(end=end), free_runs=True)
    assert grade.score == 10.0
