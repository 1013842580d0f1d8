"""The levels of isolation, strongest first, and what each leaves open. Start at `Isolation`.

Which one there is, is found out by applying it for real (`grader.runtime.template`), never from version numbers.
"""

import enum
import os
from dataclasses import dataclass

from grader.errors import UsageError

VARIABLE = "GRADER_SANDBOX"
"""An environment variable that asks for a level by name: for tests, and where a stronger one makes trouble."""


class Level(str, enum.Enum):
    """How student code is closed off."""

    NS = "NS"
    """Namespaces of its own: files, processes, network, shared memory."""
    UID = "UID"
    """Another user; for root where namespaces are not allowed, as in most containers."""
    LANDLOCK = "LANDLOCK"
    """The same user, closed off by Landlock and a filter of system calls."""
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
    `refused` says, level by level, why no stronger one could be had.
    """

    level: Level
    landlock: int = 0
    seccomp: bool = False
    other_user: bool = False
    root: bool = False
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
        return f"{self.level.value} ({', '.join([*parts, 'limits'])})"

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not protected, each as a clause."""
        if self.level in (Level.WEAK, Level.OFF):
            return self._missing_without_level()
        found = []
        if self.level is Level.UID and not self.landlock:
            found.append("files that everybody may read are readable")
        if self.level is Level.LANDLOCK:
            found.append("/dev/shm is shared with your other programs; mp.Manager and forkserver do not work")
            if self.landlock < _SIGNALS_SINCE:
                found.append("your other programs can be sent signals (needs Linux 6.12)")
            if self.root:
                found.append("it runs as root, without root's capabilities")
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
        return (*found, "shared memory, and processes that outlive a killed grader")

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
    order = (Level.NS, Level.UID, Level.LANDLOCK, Level.WEAK)
    return tuple(level for level in order if level is not Level.UID or os.geteuid() == 0)
