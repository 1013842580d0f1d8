"""Keeps the sums in bounds: memory, processes and files of everything below a runner. Start at `Watchdog.look`.

The kernel's limits hold for each process or each user; what many processes use together has to be looked at. Memory
that is shared is counted once for every process first, because that is cheap, and divided fairly only if the sum is
too large.
"""

import contextlib
import os
import select
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grader.runtime.agent import reaper
from grader.runtime.agent.leftovers import SHARED_MEMORY, SharedNames

PERIOD = 0.05
"""Seconds between two looks."""
_FILES_EVERY = 5
_CLEARLY = 1.5
_NEAR = 2
"""That part of a limit is much, where a submission needs next to nothing."""
_ENDING_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512


class Watchdog:
    """Looks at what runs below this process. With an empty plan nothing is too much.

    `names` are those in shared memory that belong to the runner, where `user` is the judge's and has others as well.
    """

    def __init__(
        self, plan: Mapping[str, Any], scratch: str, user: int, names: SharedNames | None = None
    ) -> None:
        self._memory = int(plan.get("memory", 0))
        self._processes = int(plan.get("processes", 0))
        self._room = 0 if plan.get("namespaces") else int(plan.get("room", 0))
        self._scratch = scratch
        self._user = user
        self._names = names
        self._shared_before = _shared_of(user) if self._room else 0
        self.listener = -1
        """A connection to the judge: once that is gone, there is nothing to be waited for."""
        self.note: Callable[[str], object] = lambda text: None
        """Told once that much is used, in words: the judge has to know if this process does not live to say it."""
        self._is_noted = False
        self._looks = 0
        self._next = time.monotonic() + PERIOD

    def due(self) -> bool:
        """Whether it is time for the next look."""
        return bool(self._memory) and time.monotonic() >= self._next

    def look(self) -> str:
        """What there is too much of, in words; empty if nothing."""
        self._next = time.monotonic() + PERIOD
        if not self._memory:
            return ""
        self._looks += 1
        if self._nobody_listens():
            return "the time that the grader itself has lived"
        pids = reaper.descendants(os.getpid())
        if self._names is not None:
            self._names.look(pids)
        self._note(pids)
        if len(pids) > self._processes:
            return f"more than {self._processes} processes"
        if self._too_much_memory(pids):
            return f"more than {self._memory >> 20} MB of memory in all its processes together"
        if self._room and self._looks % _FILES_EVERY == 0:
            return self._files(pids)
        return ""

    def _note(self, pids: list[int]) -> None:
        """Tell of the first time that anything is near to its limit."""
        if self._is_noted:
            return
        text = ""
        if len(pids) > self._processes // _NEAR:
            text = f"more than {self._processes // _NEAR} processes"
        elif sum(map(_resident, pids)) > self._memory // _NEAR < sum(map(_fair_share, pids)):
            text = f"more than {self._memory // _NEAR >> 20} MB of memory"
        if text:
            self._is_noted = True
            self.note(text)

    def _nobody_listens(self) -> bool:
        if self.listener < 0:
            return False
        poll = select.poll()
        poll.register(self.listener, 0)
        return bool(poll.poll(0))

    def _too_much_memory(self, pids: list[int]) -> bool:
        """If it is not far too much, those that are just ending get a moment to give theirs back."""
        if sum(map(_resident, pids)) <= self._memory:
            return False
        used = sum(map(_fair_share, pids))
        if self._memory < used <= self._memory * _CLEARLY:
            time.sleep(_ENDING_SECONDS)
            used = sum(map(_fair_share, reaper.descendants(os.getpid())))
        return used > self._memory

    def _files(self, pids: list[int]) -> str:
        nameless = _nameless(pids)
        if sum(_sizes(self._scratch)) + sum(nameless.values()) > self._room:
            return f"more than {self._room >> 20} MB of files"
        if self._shared(pids) > self._room:
            return f"more than {self._room >> 20} MB of shared memory"
        return ""

    def _shared(self, pids: list[int]) -> int:
        """Bytes in named shared memory; what other programs of the same user hold is theirs."""
        everything = _shared_of(self._user) - self._shared_before
        if self._names is None or everything <= self._room:
            return everything
        return sum(map(_blocks, self._names.suspected(pids)))


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as listing:
            return int(listing.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _fair_share(pid: int) -> int:
    """Memory of a process, each shared page divided by how many share it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as listing:
            for line in listing:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return _grown(pid)
    return 0


def _grown(pid: int) -> int:
    """By how much a process is larger than its parent, where what is shared cannot be known: never too much."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as listing:
            parent = int(listing.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0
    return max(0, _resident(pid) - _resident(parent))


def _nameless(pids: list[int]) -> dict[tuple[int, int], int]:
    """Bytes on disk, or in shared memory, of open files that have no name any more."""
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    file = os.stat(f"/proc/{pid}/fd/{descriptor}")
                    if stat.S_ISREG(file.st_mode) and not file.st_nlink:
                        found[file.st_dev, file.st_ino] = file.st_blocks * _BLOCK
    return found


def _blocks(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_blocks * _BLOCK
    except OSError:
        return 0


def _sizes(folder: str) -> Iterator[int]:
    """Bytes on disk of everything in a folder; no link is followed."""
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)


def _shared_of(user: int) -> int:
    """Bytes of shared memory with a name that belong to a user."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(SHARED_MEMORY) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if found.st_uid == user:
                    total += found.st_blocks * _BLOCK
    return total
