"""A silent task is given up for what its own process does; a late announcement is still taken."""

import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from grader.core.execution import OutcomeKind, Silence
from grader.errors import MachineError
from grader.runtime import patience
from grader.runtime.allowance import MOST_COMPUTED, Allowance, Measured
from grader.runtime.blame import Blame
from grader.runtime.patience import Patience, fatal_error
from grader.runtime.protocol import MESSAGES, Message, Silent, Wire, pair
from grader.runtime.silence import STILL_LOOKS, UNSEEN_LOOKS, Figures

ORIGIN = ("consumer", 5)
SOURCE = "def work():\n    while True:\n        x = 1\n        y = 2\n"
STACK = b'Current thread 0x1 (most recent call first):\n  File "x.py", line %d in work\n'


class Time:
    """A clock that only goes on while somebody waits for a frame."""

    def __init__(self) -> None:
        self.now = 50.0
        self.late = 0.0

    def __call__(self) -> float:
        return self.now


class FakeRunner:
    """Its process uses so much CPU between two looks, or sleeps; `after` so many looks it says `words`."""

    def __init__(self, cpu: float = 0.0, *, asleep: bool = False, found: bool = True) -> None:
        self.allowance: Allowance = Allowance()
        self.source = SOURCE
        self.looks = 0
        self.asked = 0
        self.words = b""
        self.after = 0
        self.exceeded = self.noted = ""
        self.protected = True
        self.blame = Blame(self)  # type: ignore[arg-type]
        self._cpu, self._asleep, self._found = cpu, asleep, found
        self.wire, self._end = pair()

    def figures(self, wire: Wire) -> Figures:
        assert wire is self.wire
        self.looks += 1
        if self.looks == self.after:
            self._end.sendall(self.words)
        cpu = self.looks * self._cpu
        return Figures(self._found, cpu, 3, self._asleep, self.exceeded, ready=not self._asleep)

    def ask_for_stack(self, wire: Wire) -> None:
        assert wire is self.wire
        self.asked += 1
        self._end.sendall(STACK % (2 + self.asked % 3))

    def close(self) -> None:
        self.wire.close()
        self._end.close()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    real = Wire.receive

    def receive(wire: Wire, decoder: "msgspec.json.Decoder[Any]", seconds: float) -> Any:
        try:
            return real(wire, decoder, 0.0)
        except Silent:
            time.now += seconds + time.late
            raise

    monkeypatch.setattr(Wire, "receive", receive)
    monkeypatch.setattr(patience, "_clock", time)
    return time


@pytest.fixture
def runner() -> Iterator[Any]:
    made: list[FakeRunner] = []

    def make(*arguments: Any, **named: Any) -> FakeRunner:
        made.append(FakeRunner(*arguments, **named))
        return made[-1]

    yield make
    for one in made:
        one.close()


def given_up(runner: Any, waiting: Patience | None = None) -> Patience:
    waiting = waiting or Patience(runner)
    with pytest.raises(Silent):
        waiting.receive(runner.wire, MESSAGES, ORIGIN)
    return waiting


def frame(message: dict[str, Any]) -> bytes:
    body = msgspec.json.encode(message)
    return len(body).to_bytes(4, "big") + body


def test_a_busy_loop_is_a_hang_with_the_line_of_the_loop(time: Time, runner: Any) -> None:
    busy = runner(0.1)
    outcome = given_up(busy).silent(busy.wire, 3)
    assert (outcome.kind, outcome.task, outcome.line) == (OutcomeKind.HUNG, 3, 2)
    assert (outcome.silence, outcome.seconds) == (Silence.COMPUTES, 1.5)
    assert busy.looks == 16
    assert busy.asked > 1


def test_the_same_loop_is_not_paid_for_again(time: Time, runner: Any) -> None:
    busy = runner(0.1)
    waiting = given_up(busy)
    before = busy.looks
    outcome = given_up(busy, waiting).silent(busy.wire, 3)
    assert busy.looks - before == 6
    assert outcome.seconds == 0.5


def test_in_an_exploration_the_same_cannot_be_judged(time: Time, runner: Any) -> None:
    busy = runner(1.0)
    busy.allowance = Measured(30.0)
    outcome = given_up(busy).silent(busy.wire, 3)
    assert (outcome.kind, outcome.silence, outcome.seconds) == (OutcomeKind.SILENT, Silence.COMPUTES, 30.0)


def test_a_sleeper_cannot_be_judged_and_is_asked_where_it_is_once(time: Time, runner: Any) -> None:
    sleeper = runner(asleep=True)
    outcome = given_up(sleeper).silent(sleeper.wire, 3)
    assert (outcome.kind, outcome.silence) == (OutcomeKind.SILENT, Silence.WAITS)
    assert outcome.line == 2
    assert sleeper.asked == 1
    assert sleeper.looks > STILL_LOOKS


def test_a_judge_that_is_late_itself_blames_the_machine(time: Time, runner: Any) -> None:
    time.late = 0.2
    sleeper = runner(asleep=True)
    with pytest.raises(MachineError, match=r"^this machine is too busy"):
        given_up(sleeper).silent(sleeper.wire, 3)
    assert sleeper.asked == 0


def test_a_task_that_gets_no_core_blames_the_machine(time: Time, runner: Any) -> None:
    starved = runner()
    with pytest.raises(MachineError, match=r"^this machine is too busy"):
        given_up(starved).silent(starved.wire, 3)
    assert time.now - 50.0 >= 300.0


def test_a_process_that_is_not_found_cannot_be_judged(time: Time, runner: Any) -> None:
    hidden = runner(found=False)
    outcome = given_up(hidden).silent(hidden.wire, 3)
    assert (outcome.kind, outcome.silence) == (OutcomeKind.SILENT, Silence.HIDES)
    assert hidden.looks == UNSEEN_LOOKS


def test_a_late_announcement_is_taken_and_what_it_has_cost_is_known(time: Time, runner: Any) -> None:
    slow = runner(0.1)
    slow.allowance = Measured()
    slow.words, slow.after = frame({"operation": {"kind": "time.sleep"}}), 31
    message = Patience(slow).receive(slow.wire, MESSAGES, ORIGIN)
    assert isinstance(message, Message)
    assert message.operation.kind.value == "time.sleep"
    slow.allowance.begin()
    assert slow.allowance.limit(ORIGIN, threads=False) == 64


def test_nobody_who_announces_at_once_is_looked_at(time: Time, runner: Any) -> None:
    quick = runner(0.1)
    quick._end.sendall(frame({"operation": {"kind": "time.sleep"}}))
    Patience(quick).receive(quick.wire, MESSAGES, ORIGIN)
    assert quick.looks == 0


def test_a_further_thread_is_not_asked_where_it_is(time: Time, runner: Any) -> None:
    busy = runner(0.1)
    outcome = given_up(busy).silent(busy.wire, 3, thread=True)
    assert (outcome.kind, outcome.line, busy.asked) == (OutcomeKind.HUNG, 0, 0)


def test_what_it_was_killed_for_is_told(time: Time, runner: Any) -> None:
    killed = runner()
    assert Patience(killed).death(killed.wire, 3).detail == "the process died"
    killed.exceeded = "more than 1 MB"
    assert Patience(killed).death(killed.wire, 3).detail == "it was ended for taking more than 1 MB"


def test_the_interpreter_s_last_words_are_understood() -> None:
    outcome = fatal_error(2, b"Fatal Python error: Segmentation fault\n\n" + STACK % 12, "rubbish")
    assert (outcome.kind, outcome.detail, outcome.line) == (OutcomeKind.CRASHED, "Segmentation fault", 12)


def test_any_other_noise_is_a_broken_protocol() -> None:
    outcome = fatal_error(2, b"\xff\xfe" * 100, "a frame is too large")
    assert outcome.detail == "it broke the protocol: a frame is too large"
    assert outcome.failure is None


def test_the_other_end_is_known_by_its_number() -> None:
    wire, other = pair()
    with other:
        assert isinstance(other, socket.socket)
        assert wire.other_end > 0
    wire.close()


def test_what_a_process_computes_is_counted_where_it_keeps_the_judge_waiting(time: Time, runner: Any) -> None:
    slow = runner(0.2)
    for words in (3, 6):  # it says something after so many looks
        slow.words, slow.after = frame({"operation": {"kind": "time.sleep"}}), words
        Patience(slow).receive(slow.wire, MESSAGES, ORIGIN)
    assert slow.allowance.computed == pytest.approx(slow.looks * 0.2), "no look is counted twice"
    assert not slow.allowance.is_spent
    slow.allowance.computed = MOST_COMPUTED + 1
    assert slow.allowance.is_spent
    measured = Measured()
    measured.computed = MOST_COMPUTED + 1
    assert not measured.is_spent, "the user's own program may compute as it likes"
