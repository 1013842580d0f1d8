"""A cgroup of its own for everything that executes student code of one runner. Start at `Group`.

The kernel then holds the sums: so many processes, so much memory, and one write kills all, however fast they fork. The
group has a folder in each tree that the judge has found (`grader.runtime.sandbox.cgroups`): one of version 2, and those
of version 1 for controllers that the former does not have.

The runner makes it while it still has the judge's rights, and stays outside itself: so it can fork a host although its
submission has used up its processes, and is there to tell why the kernel has killed the others. Whoever is about to
execute student code enters (`enter`), for good: what is mounted for it has no cgroups. The template, which outlives its
runners, removes the folders (`remove`). Should it be killed as well, nobody holds their locks any more, and the next
start of a grader removes them (`remove_stale`).
"""

import contextlib
import enum
import fcntl
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PREFIX = "grader-"
STALE_SECONDS = 60.0
"""A folder that is younger may be one whose lock is not there yet."""
_SWAPS = "/proc/swaps"
_LAST_SECONDS = 5.0
_PAUSE = 0.002


class Part(str, enum.Enum):
    """What the kernel holds for a group."""

    PIDS = "pids"
    """No more processes and threads than so many."""
    MEMORY = "memory"
    """No more memory in all than so much, and none that is swapped out."""
    KILL = "kill"
    """All are killed at once, and nobody escapes by forking."""


_EVENTS = {1: "memory.oom_control", 2: "memory.events"}
"""Where the kernel counts whom it has killed for want of memory."""


class Tree:
    """The folder of a group in one tree of cgroups; `parts` are what is asked of it there."""

    def __init__(self, description: Mapping[str, Any], name: str) -> None:
        self.folder = os.path.join(str(description["folder"]), name)
        self.version = int(description["version"])
        self.parts = [Part(part) for part in description["parts"]]

    def make(self, processes: int, memory: int) -> None:
        """Make the folder, and set the limits. Raises OSError."""
        os.mkdir(self.folder, 0o755)
        if Part.PIDS in self.parts:
            self._set("pids.max", processes)
        if Part.MEMORY in self.parts:
            self._limit_memory(memory)

    def _limit_memory(self, memory: int) -> None:
        self._set("memory.max" if self.version > 1 else "memory.limit_in_bytes", memory)
        if _has_swap():
            with_swap = (
                ("memory.swap.max", 0) if self.version > 1 else ("memory.memsw.limit_in_bytes", memory)
            )
            self._set(*with_swap)
        if self.version > 1:
            self._set("memory.oom.group", 1)

    def _set(self, file: str, value: int) -> None:
        descriptor = self.open(file, os.O_WRONLY)
        try:
            os.write(descriptor, str(value).encode("ascii"))
        finally:
            os.close(descriptor)

    def open(self, file: str, how: int) -> int:
        """A file of the folder, as a descriptor. Raises OSError."""
        return os.open(os.path.join(self.folder, file), how | os.O_CLOEXEC | os.O_NOFOLLOW)

    def kill(self) -> None:
        """Kill everybody in it. Without the kernel's own way: whoever cannot fork cannot escape a loop."""
        if Part.KILL in self.parts:
            self._set("cgroup.kill", 1)
            return
        if Part.PIDS in self.parts:
            self._set("pids.max", 0)
        for pid in self.members():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def members(self) -> list[int]:
        """The processes in it, as seen from here."""
        descriptor = self.open("cgroup.procs", os.O_RDONLY)
        with open(descriptor, "rb") as listing:
            return [int(line) for line in listing]

    def remove(self) -> None:
        """Kill everybody in it until it is empty, and remove it; nothing happens if there is none any more."""
        deadline = time.monotonic() + _LAST_SECONDS
        while os.path.isdir(self.folder) and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)
                return
            with contextlib.suppress(OSError):
                self.kill()
            time.sleep(_PAUSE)


def _has_swap() -> bool:
    try:
        with open(_SWAPS, "rb") as listing:
            return len(listing.readlines()) > 1
    except OSError:
        return True


class Group:
    """The group of one runner: made by it, not entered. Raises OSError.

    Descriptors are opened now: later there is neither the right to do so nor a path.
    """

    def __init__(self, trees: Iterable[Tree], processes: int, memory: int) -> None:
        self._opened: list[int] = []
        self._entries: list[int] = []
        self._kill = self._events = -1
        self._killed = 0
        for tree in trees:
            tree.make(processes, memory)
            lock = self._keep(os.open(tree.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._entries.append(self._keep(tree.open("cgroup.procs", os.O_WRONLY)))
            if Part.KILL in tree.parts:
                self._kill = self._keep(tree.open("cgroup.kill", os.O_WRONLY))
            if Part.MEMORY in tree.parts:
                self._events = self._keep(tree.open(_EVENTS[tree.version], os.O_RDONLY))

    def _keep(self, descriptor: int) -> int:
        self._opened.append(descriptor)
        return descriptor

    def enter(self) -> None:
        """Move this process into the group, and close what was opened for it: student code must not have that.

        Raises OSError.
        """
        try:
            for descriptor in self._entries:
                os.write(descriptor, b"0")
        finally:
            self.let_go()

    def let_go(self) -> None:
        """Close everything."""
        for descriptor in self._opened:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._opened, self._entries, self._kill, self._events = [], [], -1, -1

    def kill(self) -> None:
        """Kill everybody in the group, if the kernel can do it at once."""
        if self._kill >= 0:
            with contextlib.suppress(OSError):
                os.write(self._kill, b"1")

    def out_of_memory(self) -> bool:
        """Whether the kernel has killed somebody for want of memory since the last time."""
        if self._events < 0:
            return False
        try:
            words = os.pread(self._events, 4096, 0).split()
            killed = int(words[words.index(b"oom_kill") + 1])
        except (OSError, ValueError, IndexError):
            return False
        before, self._killed = self._killed, killed
        return killed > before


def trees(plan: Mapping[str, Any]) -> list[Tree]:
    """Where the group of a plan is to be made, or was."""
    return [Tree(description, str(plan["name"])) for description in plan.get("cgroup", ())]


def remove(plan: Mapping[str, Any]) -> None:
    """End the group that a runner has made by this plan, once the runner is gone."""
    for tree in trees(plan):
        tree.remove()


def remove_stale(descriptions: Iterable[Mapping[str, Any]]) -> None:
    """Remove the groups of runners that are gone. One is ours if it has our name and owner."""
    for description in descriptions:
        for name in _stale(str(description["folder"])):
            Tree(description, name).remove()


def _stale(folder: str) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(PREFIX)]:
            with contextlib.suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if found.st_uid == os.geteuid() and time.time() - found.st_mtime >= STALE_SECONDS:
                    _lock_for_a_moment(entry.path)
                    yield entry.name


def _lock_for_a_moment(folder: str) -> None:
    """Raises OSError if somebody has the lock."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(lock)
