"""What is to be applied for a level, as the agent reads it (`grader.runtime.agent.confine`). Start at `make`."""

import base64
import os
import pwd
import random
import tempfile
from collections.abc import Mapping
from typing import Any

import msgspec

from grader.runtime.agent import kernel
from grader.runtime.sandbox import cgroups, places, seccomp
from grader.runtime.sandbox.levels import Isolation, Level

SCRATCH = "/scratch"
ROOM = 64 * 2**20
"""Bytes of the scratch folder, and of shared memory."""
FILES = 8192
PROCESSES = 512
"""Processes and threads of one runner, or beside those that the user has already."""
MEMORY = 2**30
"""Bytes of memory of all processes of a runner together."""
_NEWEST_LANDLOCK = 7
"""What is known of later versions is the same; asking for no more than is known keeps the meaning of a ruleset."""
_CONTAINER_UIDS = (20_000, 60_000)
_WIDE_UIDS = (1_900_000_000, 2_000_000_000)


class NotHere(Exception):
    """A level cannot be had on this machine; the text says why."""


def isolation(level: Level, refused: tuple[str, ...] = ()) -> Isolation:
    """What a level would consist of here.

    Raises:
        NotHere: a part that it cannot do without is missing.
    """
    if level is Level.OFF:
        return Isolation(level, refused=refused)
    root = os.geteuid() == 0
    if level is Level.UID and not root:
        raise NotHere("only root can become another user")
    if level is Level.LANDLOCK and root:
        raise NotHere("as root it would keep the identity of root, whose processes the kernel does not limit")
    found = Isolation(
        level,
        landlock=min(kernel.landlock_version(), _NEWEST_LANDLOCK),
        seccomp=seccomp.supported(),
        other_user=root and level in (Level.NS, Level.UID),
        root=root,
        refused=refused,
    )
    if level is Level.LANDLOCK and not found.landlock:
        raise NotHere("this kernel has no Landlock")
    if level in (Level.UID, Level.LANDLOCK) and not found.seccomp:
        raise NotHere("there is no filter of system calls for this machine")
    return found


def make(
    chosen: Isolation,
    spared: tuple[int, ...],
    memory: int = MEMORY,
    subtrees: tuple[cgroups.Subtree, ...] = (),
    needed: places.Places | None = None,
) -> dict[str, Any]:
    """The plan for one runner; without `scratch` if nothing is to be applied and only sums are kept in bounds.

    `spared` are the processes of the judge, `memory` is what all processes of the runner may use, in bytes. Its cgroup
    is made in `subtrees`. `needed` is what the interpreter needs, if that is not the one of the judge.
    """
    if chosen.level is Level.OFF:
        return {"memory": memory, "processes": PROCESSES, "room": ROOM} if memory else {}
    namespaces = chosen.level is Level.NS
    needed = needed or places.interpreter()
    plan: dict[str, Any] = {
        "namespaces": namespaces,
        "uid": _unused_uid() if chosen.other_user else 0,
        "landlock": chosen.landlock,
        "scratch": SCRATCH if namespaces else _temporary(chosen),
        "room": ROOM,
        "files": FILES,
        "memory": memory,
        "processes": PROCESSES,
        "cgroup": msgspec.to_builtins(subtrees),
        "devices": places.DEVICES,
        "readable": needed.readable if namespaces else needed.expanded(),
        "listable": () if namespaces else needed.listable(),
        "limits": _limits(chosen),
        "secret": _secrets() if chosen.level in (Level.NS, Level.LANDLOCK) or chosen.landlock else (),
    }
    if namespaces:
        plan |= {"links": needed.links(), "mounts": needed.real(), "masked": needed.masked}
    if chosen.seccomp:
        same_user = chosen.level in (Level.LANDLOCK, Level.WEAK)
        rules = seccomp.Rules(same_user, _with_groups(spared) if same_user else ())
        plan["seccomp"] = base64.b64encode(seccomp.program(rules)).decode("ascii")
        plan["own_pid"] = seccomp.OWN_PID
    return plan


def _temporary(chosen: Isolation) -> str:
    return places.open_folder() if chosen.other_user else tempfile.gettempdir()


def _secrets() -> tuple[str, ...]:
    """Some of what must not be readable from inside."""
    return (str(places.GRADER / "grader"), os.path.expanduser("~"), "/etc/passwd")


def _with_groups(pids: tuple[int, ...]) -> tuple[int, ...]:
    """The same, and minus the groups of processes that they are in."""
    groups = set()
    for pid in pids:
        try:
            groups.add(-os.getpgid(pid))
        except OSError:
            continue
    return (*pids, *sorted(groups))


def _limits(chosen: Isolation) -> Mapping[str, int]:
    if chosen.level is Level.NS or chosen.other_user:
        return {"NPROC": PROCESSES}
    return {"NPROC": PROCESSES + _threads_of(os.getuid())}


def _threads_of(uid: int) -> int:
    """How many processes and threads the user has now: the kernel's limit counts them all."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == uid:
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return count


def _unused_uid() -> int:
    """A user that nobody is; a random one, so that no two runners meet."""
    first, last = _WIDE_UIDS if _all_are_mapped() else _CONTAINER_UIDS
    while True:
        uid = random.SystemRandom().randrange(first, last)
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid


def _all_are_mapped() -> bool:
    """Whether this is no container that knows a small range of users only."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as mapping:
            return mapping.read().split() == ["0", "0", "4294967295"]
    except OSError:
        return False
