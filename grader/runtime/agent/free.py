"""Free runs: the submission on the real `multiprocessing`, in real processes, under a wall-clock limit.

Start at `run`, called in the runner. It forks a *driver* (`free_driver`), which forks the *stage* (`free_stage`),
where the submission is imported and starts its processes. The runner keeps the clock, a bounded part of the output,
and afterwards kills and removes whatever there is: nothing that the submission does can make a run last longer.
"""

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from typing import Any

from grader.runtime.agent import free_child, free_driver, free_stage, reaper, room
from grader.runtime.agent.confine import Confinement
from grader.runtime.agent.free_claim import Frame, send
from grader.runtime.agent.free_place import Place
from grader.runtime.agent.free_watch import Cause, Kept, Patience
from grader.runtime.agent.loader import Submission
from grader.runtime.agent.watchdog import Watchdog

LONGEST_SECONDS = 120.0
_STACK_SECONDS = 2.0
_ONE_STACK_SECONDS = 0.5
_PAUSE = 0.01
_SIGNALLED = 100
_FIRST_OWN = 3
_MODULES = (
    *("ctypes", "faulthandler", "inspect", "json", "linecache", "pickle", "threading", "traceback"),
    *(
        f"multiprocessing.{name}"
        for name in ("connection", "heap", "popen_fork", "popen_spawn_posix", "queues")
    ),
    *(f"multiprocessing.{name}" for name in ("resource_tracker", "shared_memory", "sharedctypes", "util")),
)

_fork = os.fork
_leave = os._exit


def preload() -> None:
    """Import what a run needs, once, in the template."""
    for name in _MODULES:
        importlib.import_module(name)
    free_stage.helper_source()


def run(
    submission: Submission,
    command: Mapping[str, Any],
    spare: Collection[int] = (),
    confinement: Confinement | None = None,
    watchdog: Watchdog | None = None,
) -> dict[str, Any]:
    """Do `command["run"]` within `command["seconds"]`; the answer is what `grader.runtime.free` decodes.

    It is a hang, too, as soon as every process has waited for another for `command["idle"]` seconds, but those that
    have used `command["cpu"]` seconds of CPU time (`free_watch.Patience`). Afterwards this process has no descendants
    but those in `spare`, and nothing of the run is left on disk.
    """
    seconds = min(float(command["seconds"]), LONGEST_SECONDS)
    idle, cpu = (float(command.get(name, LONGEST_SECONDS)) for name in ("idle", "cpu"))
    confinement = confinement or Confinement({})
    if missing := room.shared_memory(confinement.uid or os.geteuid()):
        return {"status": "error", "failure": {"during": "setup", "type": "OSError", "message": missing}}
    place = Place(confinement.scratch)
    confinement.hand_over(place.folder, place.work)
    try:
        watchdog = watchdog or confinement.watchdog()
        whole = _Run(submission, command["run"], place, spare, confinement, watchdog)
        return whole.perform(seconds, Patience(idle, cpu, spare))
    except OSError as error:
        if not room.refuses(error):
            raise
        failure = {"during": "setup", **free_child.failure(error, submission.filename)}
        return {"status": "error", "failure": failure}
    finally:
        confinement.sweep(spare)
        place.remove()


class _Run:
    """One run, seen from the runner."""

    def __init__(
        self,
        submission: Submission,
        description: Mapping[str, Any],
        place: Place,
        spare: Collection[int],
        confinement: Confinement,
        watchdog: Watchdog,
    ) -> None:
        self._confinement = confinement
        self._watchdog = watchdog
        self._exceeded = ""
        self._submission = submission
        self._description = description
        self._place = place
        self._spare = spare
        self._output = Kept()
        self._driver = 0

    def perform(self, seconds: float, patience: Patience) -> dict[str, Any]:
        """Start it, watch it, end it."""
        started = time.monotonic()
        frame = Frame(self._start())
        patience.ours = (self._driver,)
        in_time = self._watch(frame, started + seconds, patience)
        self._exceeded = self._exceeded or self._watchdog.ended_by_kernel()
        answer: dict[str, Any] = frame.message() or {"status": "died"}
        if self._exceeded:  # it goes on to take more until it is killed, so nothing is asked
            failure = {"during": "call", "type": "MemoryError", "message": self._exceeded}
            answer = {"status": "error", "failure": failure}
        elif not in_time:
            answer = self._hang(patience)
        elapsed = time.monotonic() - started
        self._confinement.sweep(self._spare)
        self._output.finish()
        os.close(frame.descriptor)
        return {**answer, "output": self._output.text(), "seconds": elapsed}

    def _hang(self, patience: Patience) -> dict[str, Any]:
        """What is to be said of a run that has not ended in time, or never will."""
        answer: dict[str, Any] = {"status": "hang", "stack": self._stacks()}
        if patience.cause is not None:
            answer["cause"] = patience.cause.value
        answer["left_alive"] = len(reaper.descendants(os.getpid(), self._spare))
        answer["failure"] = free_driver.first_failure(self._place.folder)
        answer["flooded"] = self._output.flooded and patience.cause is not Cause.DEADLOCK
        return answer

    def _start(self) -> int:
        claims, claim = (end.detach() for end in socket.socketpair())  # a pipe could be opened through /proc
        outputs, output = os.pipe()
        self._driver = _fork()
        if self._driver == 0:
            arguments = (self._description, self._submission, self._place)
            _as_driver(arguments, self._confinement, claim, output)
        os.close(claim)
        os.close(output)
        self._output.open(outputs)
        return claims

    def _watch(self, frame: Frame, deadline: float, patience: Patience) -> bool:
        """Until the claim is there or the driver is gone; False if that takes too long."""
        poll = select.poll()
        poll.register(frame.descriptor, select.POLLIN)
        poll.register(self._output.descriptor, select.POLLIN)
        while not frame.complete and not frame.ended:
            left = deadline - time.monotonic()
            self._exceeded = self._watchdog.look() if self._watchdog.due() else ""
            if left <= 0 or self._exceeded or patience.ended():
                return False
            for descriptor, _ in poll.poll(min(left, self._watchdog.wait()) * 1000 + 1):
                if descriptor == frame.descriptor:
                    frame.read()
                elif not self._output.read():
                    poll.unregister(descriptor)
        return True

    def _stacks(self) -> str:
        """Where every process stands, as they say themselves when asked by a signal: one after the other.

        All write to one file, and a stack in many small pieces, so they must not write at the same time.
        """
        deadline = time.monotonic() + _STACK_SECONDS
        data = b""
        for pid in reaper.descendants(os.getpid(), self._spare)[:_SIGNALLED]:
            if pid != self._driver and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGUSR1)
                    data = self._one_more_stack(data, min(deadline, time.monotonic() + _ONE_STACK_SECONDS))
        return data.decode("utf-8", "replace")

    def _one_more_stack(self, data: bytes, deadline: float) -> bytes:
        """All stacks so far, once the next one is there and nothing more comes, or the time is up."""
        before = data
        while time.monotonic() < deadline:
            time.sleep(_PAUSE)
            now = free_driver.read_bounded(os.path.join(self._place.folder, free_child.STACKS))
            if len(now) > len(data) and now == before and now.endswith(b"\n"):
                return now
            before = now
        return before


def _as_driver(
    arguments: tuple[Mapping[str, Any], Submission, Place],
    confinement: Confinement,
    claim: int,
    output: int,
) -> None:
    """The driver's life, from fork to exit."""
    _, submission, place = arguments
    try:
        confinement.let_go()
        os.setsid()
        claim = _descriptors(claim, output, confinement)
        confinement.drop()
        tempfile.tempdir = os.environ["TMPDIR"] = place.work
        os.chdir(place.work)
        free_driver.drive(*arguments, claim, confinement.enter)
    except BaseException as error:
        failure = {"during": "setup", **free_child.failure(error, submission.filename)}
        send(claim, {"status": "error", "failure": failure})
    finally:
        _leave(0)


def _descriptors(claim: int, output: int, confinement: Confinement) -> int:
    """Give this process its standard streams and the claim's pipe, and nothing else that was open."""
    claim, output = (_above_standard(descriptor) for descriptor in (claim, output))
    nothing = _above_standard(os.open(os.devnull, os.O_RDONLY))
    for target, source in ((0, nothing), (1, output), (2, output), (_FIRST_OWN, claim)):
        os.dup2(source, target, inheritable=target < _FIRST_OWN)
    free = confinement.keep(_FIRST_OWN + 1)
    os.closerange(free, max(claim, output, nothing, os.sysconf("SC_OPEN_MAX")) + 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    return _FIRST_OWN


def _above_standard(descriptor: int) -> int:
    while descriptor <= _FIRST_OWN:
        descriptor = os.dup(descriptor)
    return descriptor
