"""Whose fault the end of something is: what the judge sees for itself decides, and no claim."""

import errno

import pytest

from grader.core.execution import OutcomeKind, Silence
from grader.errors import InternalError, MachineError
from grader.runtime import blame
from grader.runtime.blame import Blame, Lost, Room, of_error, once_more


class Runner:
    """What is asked about a runner; `tried` is what comes of an attempt to start processes (None: it is gone)."""

    def __init__(
        self,
        *,
        protected: bool = True,
        noted: str = "",
        exceeded: str = "",
        status: int | None = -9,
        tried: Room | None = None,
    ) -> None:
        self.protected, self.noted, self.exceeded = protected, noted, exceeded
        self._status, self._tried = status, tried

    def ended(self) -> int | None:
        return self._status

    def room(self, processes: int) -> Room:
        if self._tried is None:
            raise Lost
        return self._tried


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted = [5]
    monkeypatch.setattr(blame, "kernel_kills", lambda: counted[0])
    return counted


def test_who_vanishes_once_is_tried_again_and_who_does_so_twice_has_done_it_itself(kills: list[int]) -> None:
    with pytest.raises(MachineError, match=r"^this machine has ended a process of the program"):
        Blame(Runner(), last=False).died(1)
    outcome = Blame(Runner(), last=True).died(1)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.CRASHED, "the process died")


def test_who_vanishes_with_what_it_was_forked_from_cannot_be_judged(kills: list[int]) -> None:
    outcome = Blame(Runner()).died(1, host_too=True)
    assert (outcome.kind, outcome.silence) == (OutcomeKind.SILENT, Silence.ENDED)


@pytest.mark.parametrize("last", [False, True])
def test_who_is_ended_for_taking_too_much_has_done_it_itself(kills: list[int], last: bool) -> None:
    judging = Blame(Runner(exceeded="more than 1024 MB"), last=last)
    kills[0] += 1
    outcome = judging.died(1)
    assert (outcome.kind, outcome.detail) == (
        OutcomeKind.CRASHED,
        "it was ended for taking more than 1024 MB",
    )


@pytest.mark.parametrize("host_too", [False, True])
def test_the_kernel_says_when_it_was_short_of_memory(kills: list[int], host_too: bool) -> None:
    judging = Blame(Runner())
    kills[0] += 1
    with pytest.raises(MachineError, match=r"^this machine has run out of memory"):
        judging.died(1, host_too=host_too)


def test_a_submission_that_takes_much_cannot_blame_the_kernel(kills: list[int]) -> None:
    judging = Blame(Runner(noted="more than 512 MB of memory"))
    kills[0] += 1
    assert judging.died(1).kind is OutcomeKind.CRASHED
    outcome = judging.lost(1)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.UNCONTROLLED, "more than 512 MB of memory")


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("status", [-9, None, 0])
def test_a_runner_out_of_reach_was_ended_by_the_machine(last: bool, status: int | None) -> None:
    with pytest.raises(MachineError, match=r"^this machine has ended a process of the grader"):
        Blame(Runner(status=status), last=last).lost(1)


def test_a_runner_within_reach_may_have_been_ended_by_the_submission() -> None:
    with pytest.raises(MachineError):
        Blame(Runner(protected=False), last=False).lost(1)
    outcome = Blame(Runner(protected=False), last=True).lost(1)
    assert (outcome.kind, outcome.silence) == (OutcomeKind.SILENT, Silence.ENDED)


def test_a_runner_that_fails_by_itself_is_our_bug() -> None:
    with pytest.raises(InternalError) as caught:
        Blame(Runner(status=70)).lost(1)
    assert not isinstance(caught.value, MachineError)


def test_a_runner_that_is_late() -> None:
    for protected, last in ((True, True), (True, False), (False, False)):
        with pytest.raises(MachineError, match=r"^this machine is too busy"):
            Blame(Runner(protected=protected), last=last).late(1)
    assert Blame(Runner(protected=False), last=True).late(1).silence is Silence.STALLED


@pytest.mark.parametrize("last", [False, True])
def test_that_there_is_no_room_is_believed_if_the_runner_finds_none(last: bool) -> None:
    with pytest.raises(MachineError, match=r"^this machine allows no more processes"):
        Blame(Runner(tried=Room(made=1, threads=3)), last=last).refused(1, 7)


def test_that_there_is_no_room_is_not_believed_if_the_runner_finds_some() -> None:
    with pytest.raises(MachineError):  # it may have been so a moment before
        Blame(Runner(tried=Room(made=2, threads=3)), last=False).refused(1, 7)
    outcome = Blame(Runner(tried=Room(made=2, threads=3)), last=True).refused(1, 7)
    assert (outcome.kind, outcome.silence, outcome.line) == (OutcomeKind.SILENT, Silence.REFUSED, 7)


@pytest.mark.parametrize("last", [False, True])
def test_who_has_many_processes_is_short_of_them_by_itself(last: bool) -> None:
    outcome = Blame(Runner(tried=Room(made=0, threads=500)), last=last).refused(1, 7)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.UNCONTROLLED, "500 processes and threads at a time")


def test_a_process_that_cannot_be_closed_off_is_the_machine_s_fault() -> None:
    with pytest.raises(MachineError, match=r"^this machine does not close off"):
        Blame(Runner(tried=Room(made=0, closed=False, threads=3))).refused(1, 7)
    with pytest.raises(MachineError, match=r"^this machine has ended"):
        Blame(Runner(tried=None)).refused(1, 7)


@pytest.mark.parametrize(
    "error",
    [
        MachineError("this machine is slow"),
        MemoryError(),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        OSError(errno.EMFILE, "Too many open files"),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        RuntimeError("can't start new thread"),
    ],
)
def test_what_the_judge_itself_is_short_of_is_the_machine_s_fault(error: Exception) -> None:
    fault = of_error(error)
    assert fault is not None
    assert str(fault).startswith("this machine ")


@pytest.mark.parametrize(
    "error", [KeyError("x"), OSError(errno.ENOENT, "x"), InternalError("x"), RuntimeError("x")]
)
def test_anything_else_is_ours(error: Exception) -> None:
    assert of_error(error) is None


def test_the_machine_gets_one_more_chance_and_our_bugs_get_none() -> None:
    tries: list[bool] = []

    def attempt(last: bool) -> str:
        tries.append(last)
        if not last:
            raise MachineError("this machine is slow")
        return "graded"

    assert once_more(attempt) == "graded"
    assert tries == [False, True]

    def fails(last: bool) -> str:
        tries.append(last)
        raise OSError(errno.ENOSPC, "full") if last else MemoryError

    with pytest.raises(MachineError, match="full"):
        once_more(fails)

    def ours(last: bool) -> str:
        tries.append(last)
        raise KeyError("x")

    before = len(tries)
    with pytest.raises(KeyError):
        once_more(ours)
    assert len(tries) == before + 1
