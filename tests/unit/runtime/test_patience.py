"""A silent task is given up when it uses CPU without end, or when nothing of it wants to run; not for being slow."""

import threading
import time
from typing import Any

import pytest

from grader.core.execution import OutcomeKind
from grader.runtime import patience
from grader.runtime.patience import Patience, fatal_error
from grader.runtime.protocol import MESSAGES, Silent, pair
from grader.runtime.template import Usage


class FakeRunner:
    """Tells the same about its processes every time: CPU seconds used up to now, and how many want to run."""

    def __init__(self, cpu_per_look: float, runnable: int) -> None:
        self._cpu_per_look = cpu_per_look
        self._runnable = runnable
        self.looks = 0
        self.asked = False

    def usage(self) -> Usage:
        self.looks += 1
        return Usage(self.looks * self._cpu_per_look, self._runnable)

    def ask_for_stacks(self) -> None:
        self.asked = True


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_SLICE", 0.01)
    monkeypatch.setattr(patience, "_STACK_SECONDS", 0.05)
    monkeypatch.setattr(patience, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(patience, "WALL_SECONDS", 0.8)


def waited(runner: Any) -> float:
    wire, other = pair()
    started = time.monotonic()
    with other, pytest.raises(Silent):
        Patience(runner).receive(wire, MESSAGES)
    wire.close()
    return time.monotonic() - started


def test_a_busy_loop_is_given_up_when_its_cpu_is_used_up() -> None:
    runner = FakeRunner(patience.CPU_SECONDS / 3, 1)
    waited(runner)
    assert runner.looks == 4


def test_a_sleeper_is_given_up_after_a_while() -> None:
    assert 0.2 <= waited(FakeRunner(0.0, 0)) < 0.8


def test_whoever_wants_to_run_and_gets_no_cpu_is_waited_for_longer() -> None:
    assert waited(FakeRunner(0.0, 1)) >= 0.8


def test_a_late_announcement_is_still_taken() -> None:
    wire, other = pair()
    body = b'{"operation": {"kind": "time.sleep"}}'
    later = threading.Timer(0.1, lambda: other.sendall(len(body).to_bytes(4, "big") + body))
    later.start()
    runner: Any = FakeRunner(0.0, 1)
    message = Patience(runner).receive(wire, MESSAGES)
    assert message.operation.kind.value == "time.sleep"
    later.join()
    other.close()
    wire.close()


STACK = b"""Current thread 0x1 (most recent call first):
  File "/usr/lib/python3/threading.py", line 300 in wait
  File "<string>", line 7 in eval
  File "counter.py", line 12 in increment_counter
  File "counter.py", line 40 in other
"""


@pytest.mark.parametrize(
    ("stack", "line"), [(STACK, 12), (b"", 0), (b'File "x.py", line 99999999999 in f\n', 0)]
)
def test_the_line_of_a_hang_is_the_innermost_of_the_submission(stack: bytes, line: int) -> None:
    wire, other = pair()
    other.sendall(stack)
    runner: Any = FakeRunner(0.0, 0)
    outcome = Patience(runner).hung(wire, 3)
    assert runner.asked
    assert (outcome.kind, outcome.task, outcome.line) == (OutcomeKind.HUNG, 3, line)
    other.close()
    wire.close()


def test_the_interpreter_s_last_words_are_understood() -> None:
    outcome = fatal_error(2, b"Fatal Python error: Segmentation fault\n\n" + STACK, "rubbish")
    assert (outcome.kind, outcome.detail, outcome.line) == (OutcomeKind.CRASHED, "Segmentation fault", 12)


def test_any_other_noise_is_a_broken_protocol() -> None:
    outcome = fatal_error(2, b"\xff\xfe" * 100, "a frame is too large")
    assert outcome.detail == "it broke the protocol: a frame is too large"
    assert outcome.failure is None
