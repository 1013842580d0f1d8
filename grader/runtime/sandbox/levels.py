"""The levels of isolation, strongest first, and what each leaves open. Start at `Isolation`.

Which one there is, is found out by applying it for real (`grader.runtime.template`), never from version numbers.
"""

import enum
import os
from dataclasses import dataclass

from grader.errors import UsageError
from grader.runtime.agent.cgroup import Part

VARIABLE = "GRADER_SANDBOX"
"""An environment variable that asks for a level by name: for tests, and where a stronger one makes trouble."""


class Level(str, enum.Enum):
    """How student code is closed off."""

    NS = "NS"
    """Namespaces of its own: files, processes, network, shared memory."""
    UID = "UID"
    """Another user; for root where namespaces are not allowed, as in most containers."""
    LANDLOCK = "LANDLOCK"
    """The same user, closed off by Landlock and a filter of system calls; not for root, who would remain root."""
    WEAK = "WEAK"
    """Limits, and whatever part of the others there is."""
    OFF = "OFF"
    """Limits only, because the user wants it so."""


_SUFFICIENT = (Level.NS, Level.UID, Level.LANDLOCK)
_SIGNALS_SINCE = 6
_NETWORK_SINCE = 4


@dataclass(frozen=True, slots=True)
class Isolation:
    """What one command's submissions are closed off by.

    `landlock` is the version of its ABI, 0 without; with `other_user`, student code runs as a user of its own.
    `cgroup` is what the kernel holds for all its processes together, `lacking` says why not more of it.
    `refused` says, level by level, why no stronger one could be had.
    """

    level: Level
    landlock: int = 0
    seccomp: bool = False
    other_user: bool = False
    root: bool = False
    cgroup: tuple[Part, ...] = ()
    lacking: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The level and its layers, in one line."""
        if self.level is Level.OFF:
            return "OFF (limits only)"
        parts = ["namespaces"] if self.level is Level.NS else []
        if self.landlock:
            parts.append(f"landlock ABI {self.landlock}")
        if self.seccomp:
            parts.append("seccomp")
        if self.other_user:
            parts.insert(0, "a user of its own")
        if self.cgroup:
            parts.append(f"cgroup: {' '.join(part.value for part in self.cgroup)}")
        return f"{self.level.value} ({', '.join([*parts, 'limits'])})"

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not protected, each as a clause."""
        if self.level in (Level.WEAK, Level.OFF):
            return self._missing_without_level()
        found = []
        if self.level is Level.UID:
            found.append("servers of other programs, if everybody may write to their socket")
            if not self.landlock:
                found.append("files that everybody may read are readable")
        if self.level is Level.LANDLOCK:
            found.append("/dev/shm is shared with your other programs; mp.Manager and forkserver do not work")
            if self.landlock < _SIGNALS_SINCE:
                found.append("your other programs can be sent signals (needs Linux 6.12)")
        if not self.seccomp:
            found.append("system calls are not filtered")
        return tuple(found)

    def _missing_without_level(self) -> tuple[str, ...]:
        found = []
        if not self.landlock:
            found.append("files")
        if not self.seccomp and self.landlock < _NETWORK_SINCE:
            found.append("network")
        if self.landlock < _SIGNALS_SINCE:
            found.append("signals to other programs")
        found.append("shared memory, and processes that outlive a killed grader")
        if self.root:
            found.append(f"it runs as root{self._unlimited}")
        return tuple(found)

    @property
    def _unlimited(self) -> str:
        return "" if Part.PIDS in self.cgroup else ", whose number of processes nothing limits"

    @property
    def limits_processes(self) -> bool:
        """Whether the kernel limits how many processes there are of this code alone, whatever else the user runs."""
        held_by_cgroup = self.level is Level.LANDLOCK and Part.PIDS in self.cgroup
        return self.level in (Level.NS, Level.UID) or held_by_cgroup

    @property
    def sufficient(self) -> bool:
        """Whether code that nobody has read may be graded in a batch."""
        return self.level in _SUFFICIENT and self.seccomp


def wanted(unsafe: bool = False) -> tuple[Level, ...]:
    """The levels to be tried, in order.

    Raises:
        UsageError: the environment asks for one that does not exist.
    """
    if unsafe:
        return (Level.OFF,)
    name = os.environ.get(VARIABLE, "").upper()
    if name:
        try:
            return (Level(name),)
        except ValueError as error:
            known = ", ".join(level.value.lower() for level in Level)
            raise UsageError(f"{VARIABLE} is {name!r}; it can be {known}") from error
    return (Level.NS, Level.UID if os.geteuid() == 0 else Level.LANDLOCK, Level.WEAK)
