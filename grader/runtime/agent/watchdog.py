"""Keeps the sums in bounds: memory, processes and files of everything below a runner. Start at `Watchdog.look`.

The kernel's limits hold for each process or each user; what many processes use together has to be looked at. Memory
that is shared is counted once for every process first, because that is cheap, and divided fairly only if the sum is
too large. Where the kernel itself holds the sum (`cgroup`), this is the second line.

Between two looks processes grow, and all at once they grow as fast as the machine can give memory. So the less is left,
the sooner the next look comes, and whoever grows fast stands still while the fair sum is made.
"""

import contextlib
import os
import select
import signal
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from grader.runtime.agent import reaper
from grader.runtime.agent.cgroup import Group
from grader.runtime.agent.leftovers import SHARED_MEMORY, SharedNames

PERIOD = 0.05
"""Seconds between two looks, at most."""
_SOONEST = 0.002
_FASTEST = 8 * 2**30
"""Bytes a second by which all processes together may grow: what two cores can touch, and more than that."""
_FAST = 0.5
"""Growth that is fast: so much of what is allowed, in a second."""
_FILES_EVERY = 0.25
_CLEARLY = 1.5
_NEAR = 2
"""That part of a limit is much, where a submission needs next to nothing."""
_ENDING_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512


class Watchdog:
    """Looks at what runs below this process. With an empty plan nothing is too much.

    `names` are those in shared memory that belong to the runner, where `user` is the judge's and has others as well.
    `group` is the cgroup in which all are.
    """

    def __init__(
        self,
        plan: Mapping[str, Any],
        scratch: str,
        user: int,
        names: SharedNames | None = None,
        group: Group | None = None,
    ) -> None:
        self._memory = int(plan.get("memory", 0))
        self._memory_words = f"more than {self._memory >> 20} MB of memory in all its processes together"
        self._processes = int(plan.get("processes", 0))
        self._room = 0 if plan.get("namespaces") else int(plan.get("room", 0))
        self._scratch = scratch
        self._user = user
        self._names = names
        self._group = group
        self._shared_before = _shared_of(user) if self._room else 0
        self.listener = -1
        """A connection to the judge: once that is gone, there is nothing to be waited for."""
        self.note: Callable[[str], object] = lambda text: None
        """Told once that much is used, in words: the judge has to know if this process does not live to say it."""
        self._is_noted = False
        self._used = 0
        self._looked = self._files_looked = time.monotonic()
        self._next = self._looked + PERIOD

    def due(self) -> bool:
        """Whether it is time for the next look."""
        return bool(self._memory) and time.monotonic() >= self._next

    def wait(self) -> float:
        """Seconds until the next look."""
        return min(PERIOD, max(0.0, self._next - time.monotonic())) if self._memory else PERIOD

    def look(self) -> str:
        """What there is too much of, in words; empty if nothing.

        If it is memory, what is below may stand still, for it is about to be killed.
        """
        now = time.monotonic()
        self._next = now + PERIOD
        if not self._memory:
            return ""
        if self._nobody_listens():
            return "the time that the grader itself has lived"
        pids = reaper.descendants(os.getpid())
        if self._names is not None:
            self._names.look(pids)
        if len(pids) > self._processes // _NEAR:
            self._note(f"more than {self._processes // _NEAR} processes")
        if len(pids) > self._processes:
            return f"more than {self._processes} processes"
        if self.ended_by_kernel() or self._too_much_memory(pids, now):
            return self._memory_words
        if self._room and now - self._files_looked >= _FILES_EVERY:
            self._files_looked = now
            return self._files(pids)
        return ""

    def ended_by_kernel(self) -> str:
        """What the kernel has killed some of them for since the last time, in words; empty if it has not."""
        return self._memory_words if self._group is not None and self._group.out_of_memory() else ""

    def _note(self, text: str) -> None:
        """Tell of the first time that anything is near to its limit."""
        if not self._is_noted:
            self._is_noted = True
            self.note(text)

    def _nobody_listens(self) -> bool:
        if self.listener < 0:
            return False
        poll = select.poll()
        poll.register(self.listener, 0)
        return bool(poll.poll(0))

    def _too_much_memory(self, pids: list[int], now: float) -> bool:
        """If it is not far too much, those that are just ending get a moment to give theirs back."""
        started = time.thread_time()
        used = sum(map(_resident, pids))
        fast = used - self._used > self._memory * _FAST * (now - self._looked)
        self._used, self._looked = used, now
        near = self._memory // _NEAR
        if used > self._memory:
            used = self._fairly(pids, held=pids if fast else ())
        elif used > near and not self._is_noted:
            used = sum(map(_fair_share, pids))
        if used > near:
            self._note(f"more than {near >> 20} MB of memory")
        cost = time.thread_time() - started
        self._next = time.monotonic() + pause(self._memory - used, cost)
        return used > self._memory

    def _fairly(self, pids: list[int], held: Collection[int]) -> int:
        """What all use together; those in `held` stand still meanwhile, and for good if it is too much."""
        for pid in held:
            reaper.kill(pid, signal.SIGSTOP)
        used = sum(map(_fair_share, pids))
        if self._memory < used <= self._memory * _CLEARLY:
            time.sleep(_ENDING_SECONDS)
            used = sum(map(_fair_share, reaper.descendants(os.getpid())))
        if used <= self._memory:
            for pid in held:
                reaper.kill(pid, signal.SIGCONT)
        return used

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


def pause(left: int, cost: float = 0.0) -> float:
    """Seconds in which no more than so many bytes can be taken; but no fewer than a look costs."""
    return min(PERIOD, max(_SOONEST, cost, left / _FASTEST))


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
