"""What the runner watches during a free run: the output, and whether anybody moves at all."""

import contextlib
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


class Patience:
    """Whether it is no use to wait any longer.

    That is so once nobody has moved for `idle` seconds (whoever wants to run counts as moving, on a busy machine),
    or one process has used `cpu` seconds of CPU time.
    """

    def __init__(self, idle: float, cpu: float, spare: Collection[int]) -> None:
        self._idle = idle
        self._cpu = cpu
        self._spare = spare
        self._since = self._looked = time.monotonic()
        self._switches = -1
        self.idled = False
        """Whether nobody has moved at the end."""

    def ended(self) -> bool:
        """Look again, if the last look is a while ago."""
        now = time.monotonic()
        if now - self._looked < SLICE:
            return False
        self._looked = now
        seen = [found for pid in reaper.descendants(os.getpid(), self._spare) for found in _look(pid)]
        switches = sum(found.switches for found in seen)
        if switches != self._switches or any(found.moving for found in seen):
            self._since, self._switches = now, switches
        self.idled = now - self._since >= self._idle
        return self.idled or any(found.cpu >= self._cpu for found in seen)


class _Seen(NamedTuple):
    """What a thread is doing, and what its whole process has used."""

    moving: bool
    switches: int
    cpu: float


def _look(pid: int) -> Iterator[_Seen]:
    """Every thread of a process; nothing, if it has just gone."""
    with contextlib.suppress(OSError, ValueError):
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / _TICKS
        for thread in os.listdir(f"/proc/{pid}/task"):
            lines = _read(f"/proc/{pid}/task/{thread}/status").splitlines()
            pairs = [(key, value.strip()) for key, _, value in (line.partition(b":") for line in lines)]
            switches = sum(int(value) for key, value in pairs if key.endswith(b"ctxt_switches"))
            yield _Seen(any(key == b"State" and value[:1] in _MOVING for key, value in pairs), switches, cpu)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
