"""Kills everything that descends from this process, however often it forks, detaches or ignores signals.

Start at `become_reaper`. Sweeping the process table until it looks empty misses chains of fork, exit and setsid;
as a *subreaper* this process inherits every orphan among its descendants, so killing its children until it has none
left misses nothing.
"""

import ctypes
import os
import signal
import time
from collections.abc import Container

_PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.0005
_TICKS = os.sysconf("SC_CLK_TCK")


def become_reaper() -> None:
    """Inherit orphans from now on, and let the kernel bury whoever ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def children(pid: int) -> list[int]:
    """The children of a process, those of its threads included."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as listing:
                found += map(int, listing.read().split())
    except OSError:
        pass
    return found


def descendants(pid: int, spare: Container[int] = ()) -> list[int]:
    """Everything below `pid`, the processes in `spare` left out (but not what is below them)."""
    found: list[int] = []
    for child in children(pid):
        if child not in spare:
            found.append(child)
        found += descendants(child, spare)
    return found


def sweep(spare: Container[int] = ()) -> int:
    """Kill all descendants except `spare` until there are none; returns how many were found."""
    count = 0
    own = os.getpid()
    while True:
        victims = descendants(own, spare)
        if not victims:
            return count
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
                count += 1
            except OSError:
                continue
        time.sleep(_PAUSE)


def usage(spare: Container[int] = ()) -> tuple[float, int]:
    """CPU seconds used so far by all live descendants, and how many of them want to run right now."""
    seconds, runnable = 0.0, 0
    for pid in descendants(os.getpid(), spare):
        try:
            with open(f"/proc/{pid}/stat", "rb") as listing:
                fields = listing.read().rpartition(b")")[2].split()
        except OSError:
            continue
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS
        runnable += fields[0] in (b"R", b"D")
    return seconds, runnable
