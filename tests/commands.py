"""Run the command as a user does, and see what it leaves behind."""

import ctypes
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
_PR_SET_CHILD_SUBREAPER = 36
LONG = 600.0
"""Seconds on the wall that nothing here ever takes, however busy the machine is: the last resort."""
_GRACE_SECONDS = 60.0
COMPUTING = {"CHECK_SECONDS": 1.5, "AGAIN_SECONDS": 0.5, "FIRST_SECONDS": 5.0}
"""What tests allow of `grader.runtime.allowance`."""
_LITTLE_COMPUTING = (
    "import sys; from grader.runtime import allowance; from grader.cli import main;"
    f" vars(allowance).update({COMPUTING!r}); sys.exit(main())"
)


def solution(name: str) -> Path:
    """The reference solution of an exercise; an installed grader has none."""
    return ROOT / "solutions" / f"{name}.py"


class Ran(NamedTuple):
    """How a command went; `left` are the processes that were still there after it, daemons included."""

    status: int
    out: str
    err: str
    left: tuple[str, ...]
    seconds: float

    @property
    def told(self) -> str:
        """What it has said on stderr but how far a batch is, which it says if it takes long."""
        return re.sub(r"(?m)^\d+/\d+ graded.*\n", "", self.err)

    @property
    def document(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


def grader(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    little_computing: bool = False,
) -> Ran:
    """`grader ARGUMENTS…`; with `little_computing`, endless loops are given up as early as in the tests."""
    start = ["-c", _LITTLE_COMPUTING] if little_computing else ["-m", "grader"]
    return run([sys.executable, *start, *map(str, arguments)], cwd=cwd, environment=environment)


def run(command: Sequence[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> Ran:
    """Any command; raises `subprocess.TimeoutExpired` if it never ends.

    Orphans of it become our children, so that none is overlooked, whatever session it is in.
    """
    _adopt_orphans()
    before = descendants()
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, timeout=LONG, stdin=subprocess.DEVNULL
    )
    took = time.monotonic() - started
    left = _left_after(before)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode(), left, took)


def _adopt_orphans() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(top: int | None = None) -> set[int]:
    """All processes below `top`, by default this one."""
    found: set[int] = set()
    waiting = [os.getpid() if top is None else top]
    while waiting:
        pid = waiting.pop()
        children = _children(pid)
        waiting += [child for child in children if child not in found]
        found.update(children)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    except OSError:  # it has just gone
        pass
    return found


def _left_after(before: set[int]) -> tuple[str, ...]:
    """What is there besides `before`, once everything had a moment to end; it is killed."""
    deadline = time.monotonic() + _GRACE_SECONDS
    while True:
        new = {pid for pid in descendants() - before if not _reaped(pid)}
        if not new or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    shown = tuple(_shown(pid) for pid in sorted(new))
    for pid in new:
        try:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        except (ChildProcessError, ProcessLookupError):
            continue
    return shown


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, for as long as that takes."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "it never comes to that"
        time.sleep(0.02)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()


def _shown(pid: int) -> str:
    try:
        return f"{pid}: {Path(f'/proc/{pid}/cmdline').read_bytes()[:80]!r}"
    except OSError:
        return str(pid)


def corrected(source: str, wrong: str, right: str) -> str:
    """`source` with `wrong` replaced, which must be there."""
    assert wrong in source
    return source.replace(wrong, right)
