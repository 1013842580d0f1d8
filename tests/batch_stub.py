"""A worker of a batch that grades nothing: the first line of a file says what becomes of it. Start at `main`.

`# 7` is worth 7 of 10 points, `# die` kills the worker, `# hang` never answers, `# refuse` is refused until the user
mends something, `# full` is not let be graded by the machine, `# bug` shows a bug of the grader.
Every file that is begun is noted in the file that `BATCH_STUB_LOG` names.
"""

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest

from grader.batch import crew
from grader.batch.model import Result, Verdict, of_grade
from grader.batch.packing import pack
from grader.batch.worker import Answer, Orders, Task, _die_with, _failed
from grader.core.verdict import CheckResult, CheckStatus, Finding, FindingKind, Grade
from grader.errors import InternalError, MachineError
from grader.grading.submission import from_data

BOOT = "import sys; sys.path[:] = {path!r}; from batch_stub import main; main({orders!r})"


def use(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    """Have batches of this process use the stub."""
    monkeypatch.setattr(crew, "_BOOT", BOOT)
    monkeypatch.setenv("BATCH_STUB_LOG", str(log))


def begun(log: Path) -> list[str]:
    """The first lines of the files that were begun, in order."""
    return log.read_text().splitlines() if log.exists() else []


def main(orders: str) -> None:
    """Like `grader.batch.worker.main`."""
    told = msgspec.json.decode(orders, type=Orders)
    _die_with(told.batch)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Connection(told.channel)
    try:
        while True:
            task = msgspec.json.decode(channel.recv_bytes(), type=Task)
            channel.send_bytes(pack(_answer(task)))
    except (EOFError, OSError):
        return


def _answer(task: Task) -> Answer:
    line = task.data.decode().splitlines()[0]
    with open(os.environ["BATCH_STUB_LOG"], "a") as log:
        log.write(f"{line}\n")
    word = line.split()[1]
    time.sleep(float(os.environ.get("BATCH_STUB_SECONDS", "0")))
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        time.sleep(1000)
    if word == "full":
        return _failed(MachineError("this machine is full"))
    if word == "bug":
        try:
            return Answer(of_grade(grade(task, 1 / 0)))
        except ZeroDivisionError as error:
            bug = InternalError("the check has failed", replay="abc")
            bug.__cause__ = error
            return _failed(bug)
    if word == "refuse":
        return Answer(Result(Verdict.ERROR, problem="no room"), "no room for processes")
    return Answer(of_grade(grade(task, float(word))))


def grade(task: Task, score: float) -> Grade:
    """A grade with one check, and one finding if it is not full."""
    submission = from_data(Path(task.filename), task.data)
    finding = Finding(FindingKind.RACE, f"it is {score:g}", help="Take the lock in line 3.")
    findings = () if score == 10 else (finding,)
    status = CheckStatus.PASSED if score == 10 else CheckStatus.FAILED
    check = CheckResult("adds", "adds one", "f", status, score, 10.0, 0.1, (), findings)
    return Grade(task.filename, submission.sha256, task.exercise, (check,), 0.1, submission.lines)
