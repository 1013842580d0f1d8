"""Programs with pools: explored under control, and run freely on Python's own. Start at `explored` and `ran`."""

import math
import subprocess
import sys
import textwrap
from pathlib import Path

from grader.core.execution import OutcomeKind
from grader.core.verdict import ScriptReport
from grader.exploring.explore import Options, explore_script
from grader.exploring.script import load_script
from grader.runtime.pinning import unpinned


def written(folder: Path, source: str) -> Path:
    """A program as a file."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def explored(folder: Path, source: str, executions: int = 3_000) -> ScriptReport:
    """Everything that the program can do."""
    options = Options(executions=executions, seconds=math.inf)
    return explore_script(load_script(written(folder, source)), options)


def printed(report: ScriptReport) -> set[str]:
    """What the main process prints in the outcomes in which it comes to its end, without the last end of line."""
    assert not report.more_outcomes
    return {
        outcome.stdout.get("main", "").removesuffix("\n")
        for outcome in report.outcomes
        if outcome.kind is OutcomeKind.COMPLETED and outcome.exit_codes.get("main") == 0
    }


def ran(folder: Path, source: str) -> str:
    """What the program prints when it just runs."""
    with unpinned():  # how many processes a pool has depends on how many cores one may use
        done = subprocess.run(
            [sys.executable, str(written(folder, source))],
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.removesuffix("\n")


def indented(body: str) -> str:
    """The body of a program, as far to the right as its `if __name__` wants it."""
    lines = body.strip("\n").splitlines()
    if len(lines) == 1:
        return f"    {lines[0]}\n"
    return "".join(f"{line[4:]}\n" for line in lines)
