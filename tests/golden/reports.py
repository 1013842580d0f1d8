"""The reports that are recorded as they are printed: of some submissions, and of some programs. Start at `of_grade`.

Only times, versions and the level of isolation are replaced. These hold the letters of the replay tokens, too, which
depend on the machine's zlib.
"""

import io
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from grader.core.verdict import Grade
from grader.exploring.explore import Options, explore_script
from grader.exploring.script import load_script
from grader.report import json_report, script_json, script_text, script_view, terminal, text, view
from tests.golden.record import ROOT

_SCRIPTS = ROOT / "tests" / "scripts"
_WIDTH = 100
_MASKED = "…"

SUBMISSIONS = {
    "counter/right/acquire_try_finally.py": "verified",
    "counter/wrong/two_locked_sections.py": "race",
    "counter/wrong/never_released.py": "deadlock",
    "counter/wrong/polls_for_the_wrong_count.py": "hang",
    "counter/wrong/never_started.py": "not-concurrent",
    "shared_value/wrong/array_first_only.py": "wrong-result",
    "consumer/right/get_timeout_retry.py": "bounded",
    "consumer/wrong/drain_nowait.py": "polling",
    "any/syntax_error.py": "import-error",
    "hostile/starts_a_shell.py": "forbidden",
}
"""Of which submissions, and what the reports are called."""
PROGRAMS = ("shared_value", "unlocked", "philosophers", "flag", "threads/lost_update")
"""Of which programs in `tests/scripts`."""


def names_of(submission: str) -> tuple[str, ...]:
    """What the reports of a submission are called; empty if there are none."""
    word = SUBMISSIONS.get(submission)
    return (f"reports/{word}.txt", f"reports/{word}.json") if word else ()


def of_grade(submission: str, grade: Grade) -> dict[str, str]:
    """The reports of a submission's grade, by name."""
    checks = tuple(msgspec.structs.replace(check, seconds=0.0) for check in grade.checks)
    shown = msgspec.structs.replace(grade, checks=checks, seconds=0.0, sandbox="", unprotected=())
    file = io.StringIO()
    text.Printer(terminal.console(file, _WIDTH)).grade(view.of_grade(shown, submission))
    printed = (file.getvalue(), _json(json_report.of_grade(shown, submission)))
    return dict(zip(names_of(submission), printed))


def of_program(name: str) -> dict[str, str]:
    """The reports of a program, by name."""
    path = f"tests/scripts/{name}.py"
    report = explore_script(
        load_script(_SCRIPTS / f"{name}.py", []), Options(executions=2_000, seconds=math.inf)
    )
    shown = msgspec.structs.replace(report, seconds=0.0, sandbox="", unprotected=())
    file = io.StringIO()
    script_text.print_report(text.Printer(terminal.console(file, _WIDTH)), script_view.of_report(shown, path))
    return {
        f"{_called(name)}.txt": file.getvalue(),
        f"{_called(name)}.json": _json(script_json.of_report(shown, path)),
    }


def _called(program: str) -> str:
    return f"reports/explore-{program.replace('/', '-')}"


def _json(document: Mapping[str, Any]) -> str:
    masked = {name: _MASKED if name.endswith("_version") else value for name, value in document.items()}
    return json_report.text_of(masked)


MAKERS: dict[str, Callable[[], dict[str, str]]] = {
    f"{_called(name)}{ending}": partial(of_program, name) for name in PROGRAMS for ending in (".txt", ".json")
}
"""The reports on programs by name: what makes both forms of one."""
