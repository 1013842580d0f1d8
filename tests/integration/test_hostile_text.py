"""Real programs that name everything as badly as they can: every report of them is valid, and small."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import grader
from reports.test_any_grade import HIDDEN
from reports.test_html import Tree

from grader.cli import main
from grader.exploring import explore
from grader.grading import check

EVIL = r"""
EVIL = ("\x1b[2J\x1b]0;x\x07</script><script>alert(1)</script>]]>\ufffe\x00\u202e\n"
        "✓ 10 of 10 points · 9 passed · 0.41 s\r\u2028\U000e0041") + SIZE * "日"
Evil = type(EVIL.replace("\x00", ""), (Exception,), {})
"""
COUNTER = """
def increment_counter(counter, lock):
    print(EVIL)
    counter.value += 1
    raise Evil(EVIL + "\\udc80")


def run_counter(processes):
    return EVIL
"""
SCRIPT = """
from multiprocessing import Process, Queue, Value


def work(value, queue, number):
    value.value += number
    queue.put({EVIL: EVIL.encode()})
    print(EVIL)
    raise Evil(EVIL)


if __name__ == "__main__":
    value, queue = Value("i", 0), Queue()
    workers = [Process(target=work, args=(value, queue, n), name=EVIL + str(n)) for n in range(2)]
    for worker in workers:
        worker.start()
    print([queue.get() for _ in workers])
    for worker in workers:
        worker.join()
    print(EVIL, value.value)
"""


@pytest.fixture
def in_every_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, str]]:
    """What a command prints in each format; it grades, or explores, once for all of them."""
    monkeypatch.setattr(check, "grade_file", _once(check.grade_file))
    monkeypatch.setattr(explore, "explore_script", _once(explore.explore_script))

    def reports(*command: str) -> dict[str, str]:
        shown = {}
        for kind in ("text", "json", "html"):
            assert main([*command, "--format", kind]) == 1
            shown[kind] = capsys.readouterr().out
        return shown

    return reports


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    made: list[Any] = []

    def call(*arguments: Any) -> Any:
        if not made:
            made.append(function(*arguments))
        return made[0]

    return call


def _check_all(ran: dict[str, str]) -> None:
    for kind, report in ran.items():
        assert not HIDDEN.search(report.replace("\n", "")), kind
        assert 1_000 < len(report) < 200_000, kind
    assert not re.search(r"^(?!  )\W*10 of 10", ran["text"], re.MULTILINE)
    json.loads(ran["json"])
    assert len(list(Tree(ran["html"]).root.all("script"))) == 1


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_a_submission(size: int, tmp_path: Path, in_every_format: Callable[..., dict[str, str]]) -> None:
    path = tmp_path / "counter.py"
    path.write_text(f"SIZE = {size}{EVIL}{COUNTER}", encoding="utf-8")
    _check_all(in_every_format("check", str(path), "--no-free-runs"))


@pytest.mark.parametrize("size", [0, 50_000])
@pytest.mark.usefixtures("warm_programs")
def test_a_program(size: int, tmp_path: Path, in_every_format: Callable[..., dict[str, str]]) -> None:
    path = tmp_path / "evil.py"
    path.write_text(f"SIZE = {size}{EVIL}{SCRIPT}", encoding="utf-8")
    ran = in_every_format("explore", str(path), "--executions", "20", "--budget", "3600")
    _check_all(ran)
    document = json.loads(ran["json"])
    assert all(len(outcome["failures"]) == 2 for outcome in document["outcomes"]), "two names, cut, are two"


def test_a_file_name_that_is_no_unicode(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\n.py")
    (tmp_path / name).write_text(f"SIZE = 0{EVIL}{COUNTER}", encoding="utf-8")
    ran = grader("check", name, "--exercise", "counter", "--format", "json", cwd=tmp_path)
    assert (ran.status, json.loads(ran.out)["path"]) == (1, "\ufffd\n.py")
    (tmp_path / name).write_text("print(1)\n")
    assert grader("explore", name, cwd=tmp_path).out.startswith("\\udcff\\n.py\n")
    refused = grader("explore", name, os.fsdecode(b"\xfe"), cwd=tmp_path)
    assert (refused.status, refused.err.count("\n")) == (2, 1)


def test_lines_are_those_of_python(tmp_path: Path) -> None:
    """Other characters that end a line for some do not for Python, nor for the traceback that is shown."""
    source = "# \x0c \x0b \u2028 \x1c\ndef increment_counter(counter, lock):\n    raise ValueError('here')\n"
    (tmp_path / "counter.py").write_text(source + "def run_counter(processes): pass\n", encoding="utf-8")
    ran = grader("check", "counter.py", "--no-free-runs", cwd=tmp_path)
    assert re.search(r"line 3, in increment_counter\n.*raise ValueError\('here'\)", ran.out)
