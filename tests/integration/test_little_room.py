"""A machine that allows few open files or processes is never held against a submission."""

import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from commands import ROOT, run, solution

from grader.runtime import limits

RIGHT = str(solution("counter"))
_LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.{}, {}); os.execv(sys.executable, sys.argv[1:])"
)
_STARTS_PYTHON = "import os, sys; os.execv(sys.executable, [sys.executable, '-c', 'import grader'])"
_SOMEBODY = 61_234
"""A user who has no processes yet: their number is counted per user, and the administrator's is not limited."""


def limited(kind: str, soft: int, hard: int, *options: str) -> list[str]:
    bounded = [sys.executable, "-c", _LIMITED.format(kind, (soft, hard))]
    return [*bounded, sys.executable, "-m", "grader", "check", RIGHT, *options]


_OPENED = """
set -e
mkdir "$1/python"
mount --bind "$2" "$1/python"
mount -t tmpfs -o mode=755 none "$3"
mkdir -p "$2"
mount --bind "$1/python" "$2"
shift 3
exec "$@"
"""
"""In a world of its own, where a closed home folder holds nothing but Python and is open."""


def as_somebody(folder: Path) -> list[str]:
    """The beginning of a command that somebody executes who is not the administrator."""
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare"):
        pytest.skip("only an administrator can be somebody else")
    become = ["setpriv", f"--reuid={_SOMEBODY}", f"--regid={_SOMEBODY}", "--clear-groups"]
    python = Path(sys.executable).resolve().parent.parent
    home = Path(os.path.expanduser("~root"))
    opened = ["unshare", "-m", "sh", "-c", _OPENED, "sh", str(folder), str(python), str(home), *become]
    for command in (become, opened) if python.is_relative_to(home) else (become,):
        if not subprocess.run(
            [*command, sys.executable, "-c", _STARTS_PYTHON], capture_output=True
        ).returncode:
            return command
        leave(folder)
    pytest.skip("this Python is not for everybody")


def leave(folder: Path) -> None:
    """Remove the place for Python, which is empty outside of that world."""
    with suppress(FileNotFoundError):
        (folder / "python").rmdir()


def test_few_open_files_are_one_clear_line() -> None:
    ran = run(limited("RLIMIT_NOFILE", 64, 64))
    assert ran.status == 2
    assert ran.out == ""
    assert "only 64 files open" in ran.err
    assert ran.err.count("\n") == 1
    assert ran.left == ()


def test_a_soft_limit_of_open_files_is_raised() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < limits.WANTED_FILES:
        pytest.skip("the hard limit is low already")
    ran = run(limited("RLIMIT_NOFILE", 64, limits.WANTED_FILES, "--no-free-runs"))
    assert ran.status == 0, ran.out + ran.err


@pytest.mark.parametrize("processes", [2, 5, 12, 30])
def test_few_processes_are_the_machine_s_fault_and_one_clear_line(processes: int, tmp_path: Path) -> None:
    command = limited("RLIMIT_NPROC", processes, processes, "--format", "json")
    begin = as_somebody(tmp_path)
    leave(tmp_path)
    ran = run([*begin, *command], cwd=ROOT, environment={"HOME": str(tmp_path)})
    assert ran.status == 3, ran.out + ran.err
    assert json.loads(ran.out)["schema"] == "grader/error/v1"
    assert ran.err.startswith("grader: this machine allows no more processes")
    assert "bug" not in ran.err
    assert ran.left == ()
