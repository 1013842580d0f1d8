"""Whether a process waits for another without a time limit is told by the system call that it is in."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.runtime.agent.free_watch import waits_without_limit


def _acquires() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _acquires_for(seconds: float) -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=seconds)


def _reads() -> None:
    os.read(os.pipe()[0], 1)


def _polls(milliseconds: int | None) -> None:
    select.poll().poll(milliseconds)


@pytest.mark.parametrize(
    ("wait", "without_limit"),
    [
        (_acquires, True),
        (_reads, True),
        (lambda: _polls(None), True),
        (lambda: signal.pause(), True),
        (lambda: select.select([], [], []), True),
        (lambda: _acquires_for(60), False),
        (lambda: _polls(60_000), False),
        (lambda: time.sleep(60), False),
        (lambda: select.select([], [], [], 60), False),
    ],
    ids=[
        "lock",
        "read",
        "poll",
        "pause",
        "select",
        "lock in time",
        "poll in time",
        "sleep",
        "select in time",
    ],
)
@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="other numbers of system calls")
def test_a_wait(wait: Callable[[], None], without_limit: bool) -> None:
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(tell, b".")
        wait()
        os._exit(0)
    try:
        os.read(ready, 1)
        while not _sleeps(pid):
            time.sleep(0.001)
        assert waits_without_limit(pid) is without_limit
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(tell)


def _sleeps(pid: int) -> bool:
    """Whether it is in a system call from which it does not come back at once."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_process_that_is_gone_waits_for_nobody() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert not waits_without_limit(pid)
