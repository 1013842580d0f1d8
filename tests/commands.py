"""Run the command as a user does, and see what it leaves behind."""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_SECONDS = 3.0


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
    def document(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


def grader(
    *arguments: str | Path,
    cwd: Path | None = None,
    seconds: float = 170.0,
    environment: dict[str, str] | None = None,
) -> Ran:
    """`grader ARGUMENTS…`; raises `subprocess.TimeoutExpired` if it takes longer than `seconds`."""
    command = [sys.executable, "-m", "grader", *map(str, arguments)]
    return run(command, cwd=cwd, seconds=seconds, environment=environment)


def run(
    command: Sequence[str],
    cwd: Path | None = None,
    seconds: float = 170.0,
    environment: dict[str, str] | None = None,
) -> Ran:
    """Any command. Orphans of it become our children, so that none is overlooked, whatever session it is in."""
    _adopt_orphans()
    before = descendants()
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL
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
