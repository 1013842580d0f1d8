"""What the runner watches during a free run: the output, and whether anybody moves at all."""

import os
import time
from collections.abc import Container

from grader.runtime.agent import reaper

SLICE = 0.1
OUTPUT_LIMIT = 65_536
_CHUNK = 65_536
_LAST_CHUNKS = 32
_MOVING = (b"R", b"D")


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

    def text(self) -> str:
        """What was kept."""
        gap = f"\n[{self._lost} bytes left out]\n".encode() if self._lost else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace")


class Stillness:
    """Whether no process has moved for so many seconds. Whoever wants to run counts as moving, on a busy machine."""

    def __init__(self, seconds: float, spare: Container[int]) -> None:
        self._seconds = seconds
        self._spare = spare
        self._since = self._looked = time.monotonic()
        self._switches = -1

    def reached(self) -> bool:
        """Look again, if the last look is a while ago."""
        now = time.monotonic()
        if now - self._looked >= SLICE:
            self._looked = now
            moving, switches = activity(self._spare)
            if moving or switches != self._switches:
                self._since, self._switches = now, switches
        return now - self._since >= self._seconds


def activity(spare: Container[int]) -> tuple[bool, int]:
    """Whether any descendant wants to run right now, and how often all of them together have been switched."""
    moving, switches = False, 0
    for pid in reaper.descendants(os.getpid(), spare):
        for status in _statuses(pid):
            for line in status.splitlines():
                key, _, value = line.partition(b":")
                if key == b"State":
                    moving = moving or value.strip()[:1] in _MOVING
                elif key.endswith(b"ctxt_switches"):
                    switches += int(value)
    return moving, switches


def _statuses(pid: int) -> list[bytes]:
    """What the system says of each thread of a process."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status", "rb") as file:
                found.append(file.read())
    except OSError:
        pass
    return found
