"""What the runner watches during a free run: the output, and whether anybody moves at all."""

import contextlib
import enum
import os
import time
from collections.abc import Collection, Iterator
from typing import NamedTuple

from grader.runtime.agent import free_child, reaper

SLICE = 0.1
OUTPUT_LIMIT = 65_536
_CHUNK = 65_536
_LAST_CHUNKS = 32
_MOVING = (b"R", b"D")
_GONE = (b"Z", b"X")
_MOMENT = 0.5
"""Seconds of standstill that are enough where somebody has used up its CPU time."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Kept:
    """The output: its beginning and its end are kept, what lies between is thrown away."""

    def __init__(self) -> None:
        self.descriptor = -1
        self._head = b""
        self._tail = b""
        self._lost = 0

    def open(self, descriptor: int) -> None:
        """Read from here from now on."""
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Take what is there; False if nothing will come any more, or nothing is there."""
        try:
            data = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return False
        room = OUTPUT_LIMIT // 2 - len(self._head)
        if room > 0:
            self._head += data[:room]
        tail = self._tail + data[max(room, 0) :]
        self._tail = tail[-(OUTPUT_LIMIT // 2) :]
        self._lost += len(tail) - len(self._tail)
        return bool(data)

    def finish(self) -> None:
        """Take what is left once everybody is dead."""
        for _ in range(_LAST_CHUNKS):
            if not self.read():
                break
        os.close(self.descriptor)

    @property
    def flooded(self) -> bool:
        """Whether some process has printed more than is taken from it."""
        return len(self._head) + len(self._tail) + self._lost >= free_child.OUTPUT_LIMIT

    def text(self) -> str:
        """What was kept."""
        gap = f"\n[{self._lost} bytes left out]\n".encode() if self._lost else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace")


class Cause(str, enum.Enum):
    """Why it is no use to wait any longer."""

    DEADLOCK = "deadlock"
    """Every thread of every process waits for another, none of them for a limited time."""
    CPU = "cpu"
    """Whoever does not wait like that has used up its own CPU time."""


class Patience:
    """Whether it is no use to wait any longer.

    That is so once nobody has moved for `idle` seconds (whoever wants to run counts as moving, on a busy machine) and
    all wait without a time limit; whoever has used `cpu` seconds of CPU time itself counts as not moving. So how busy
    the machine is makes no difference. `ours` are processes that never keep anybody waiting.
    """

    def __init__(self, idle: float, cpu: float, spare: Collection[int]) -> None:
        self._idle = idle
        self._cpu = cpu
        self._spare = spare
        self._since = self._looked = time.monotonic()
        self._moves: dict[int, int] = {}
        self.ours: Collection[int] = ()
        self.cause: Cause | None = None

    def ended(self) -> bool:
        """Look again, if the last look is a while ago."""
        now = time.monotonic()
        if now - self._looked < SLICE:
            return False
        self._looked = now
        seen = [found for pid in reaper.descendants(os.getpid(), self._spare) for found in _look(pid)]
        patient = [found for found in seen if found.cpu < self._cpu]
        moves = {found.thread: found.switches for found in patient}
        if moves != self._moves or any(found.moving for found in patient):
            self._since, self._moves = now, moves
        burnt = len(patient) < len(seen)
        if now - self._since < (min(self._idle, _MOMENT) if burnt else self._idle):
            return False
        if all(found.pid in self.ours or waits_without_limit(found.thread) for found in patient):
            self.cause = Cause.CPU if burnt else Cause.DEADLOCK
        return self.cause is not None


class _Seen(NamedTuple):
    """What a thread is doing, and what its whole process has used."""

    pid: int
    thread: int
    moving: bool
    switches: int
    cpu: float


def _look(pid: int) -> Iterator[_Seen]:
    """Every thread of a process; nothing, if it has just gone."""
    with contextlib.suppress(OSError, ValueError):
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        if fields[0] in _GONE:
            return
        cpu = (int(fields[11]) + int(fields[12])) / _TICKS
        for thread in os.listdir(f"/proc/{pid}/task"):
            lines = _read(f"/proc/{pid}/task/{thread}/status").splitlines()
            pairs = [(key, value.strip()) for key, _, value in (line.partition(b":") for line in lines)]
            switches = sum(int(value) for key, value in pairs if key.endswith(b"ctxt_switches"))
            moving = any(key == b"State" and value[:1] in _MOVING for key, value in pairs)
            yield _Seen(pid, int(thread), moving, switches, cpu)


def waits_without_limit(thread: int) -> bool:
    """Whether a thread is in a system call that only another process or thread ends; false if that cannot be seen."""
    try:
        call, *arguments = (int(word, 0) for word in _read(f"/proc/{thread}/syscall").split())
    except (OSError, ValueError):
        return False
    where = _LIMITS.get(os.uname().machine, {}).get(call, _NO_LIMIT)
    if where == _ALWAYS or call < 0:
        return False
    return where == _NO_LIMIT or arguments[where] in (0, *_FOR_EVER)


_ALWAYS, _NO_LIMIT = -1, -2
_FOR_EVER = (2**32 - 1, 2**64 - 1)
"""A limit of -1, as an `int` or as a `long`."""
_LIMITS = {
    # futex, poll, select, pselect6, ppoll, epoll_wait, epoll_pwait, rt_sigtimedwait, nanosleep, clock_nanosleep
    "x86_64": {202: 3, 7: 2, 23: 4, 270: 4, 271: 2, 232: 3, 281: 3, 128: 2, 35: _ALWAYS, 230: _ALWAYS},
    "aarch64": {98: 3, 72: 4, 73: 2, 22: 3, 137: 2, 101: _ALWAYS, 115: _ALWAYS},
}
"""Which argument of a system call is its time limit (0 or a null pointer, or -1: none), by machine and number."""


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
