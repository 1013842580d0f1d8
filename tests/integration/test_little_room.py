"""A machine that allows few open files or processes is never held against a submission."""

import json
import os
import resource
import shutil
import subprocess
import sys
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


def as_somebody() -> list[str]:
    setpriv = shutil.which("setpriv")
    command = [setpriv or "", f"--reuid={_SOMEBODY}", f"--regid={_SOMEBODY}", "--clear-groups"]
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("only an administrator can be somebody else")
    if subprocess.run([*command, sys.executable, "-c", _STARTS_PYTHON], capture_output=True).returncode:
        pytest.skip("this Python is not for everybody")
    return command


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


@pytest.mark.parametrize("processes", [2, 3, 4, 5, 8, 12, 20])
def test_few_processes_are_inconclusive_or_one_clear_line(processes: int, tmp_path: Path) -> None:
    command = limited("RLIMIT_NPROC", processes, processes, "--format", "json")
    ran = run([*as_somebody(), *command], cwd=ROOT, environment={"HOME": str(tmp_path)})
    assert "bug in the grader" not in ran.err
    assert ran.status in (1, 2), ran.out + ran.err
    if ran.status == 2:
        assert "more processes than this machine allows" in ran.err
    else:
        checks = json.loads(ran.out)["checks"]
        assert {check["status"] for check in checks} <= {"passed", "inconclusive", "skipped"}, ran.out
        assert "more processes than this machine allows" in ran.out
    assert ran.left == ()
