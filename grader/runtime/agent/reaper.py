"""Kills everything that descends from this process, however often it forks, detaches or ignores signals.

Start at `become_reaper`. Sweeping the process table until it looks empty misses chains of fork, exit and setsid;
as a *subreaper* this process inherits every orphan among its descendants, so killing its children until it has none
left misses nothing.

A process that is spared could go on making others, and one whose parent ends while the tree is being read may be
overlooked. So whoever is spared is stopped meanwhile, and what is below it is read before this process's own children:
an orphan that was not there at the first look has come here before the second (proc(5) on `children`: the list is not
complete while processes come and go, but it is not empty if there is anybody).
"""

import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterable

_PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.0005
_STOP_SECONDS = 1.0
_TICKS = os.sysconf("SC_CLK_TCK")
_STOPPED = (b"T", b"t", b"Z", b"X", b"")


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


def descendants(pid: int, spare: Collection[int] = ()) -> list[int]:
    """Everything below `pid`, the processes in `spare` left out (but not what is below them)."""
    found = {pid: None}  # in the order in which they were found, each once
    waiting = [pid]
    while waiting:
        new = [child for child in children(waiting.pop()) if child not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return [one for one in found if one != pid and one not in spare]


def sweep(spare: Collection[int] = ()) -> int:
    """Kill all descendants except `spare` until there are none; returns how many were found."""
    own, count = os.getpid(), 0
    spare = [pid for pid in spare if pid in children(own)]
    _stop(spare)
    try:
        while True:
            below = {victim for pid in spare for victim in descendants(pid)}
            unread = {
                victim for victim in below if not lives(victim)
            }  # their parent is stopped, so they stay
            victims = (below | set(descendants(own, spare))) - unread
            if not victims:
                return count
            count += sum(kill(victim) for victim in victims)
            time.sleep(_PAUSE)
    finally:
        for pid in spare:
            kill(pid, signal.SIGCONT)


def _stop(pids: Iterable[int]) -> None:
    """Stop these processes, and wait until they have."""
    deadline = time.monotonic() + _STOP_SECONDS
    for pid in pids:
        kill(pid, signal.SIGSTOP)
    for pid in pids:
        while not _stands(pid) and time.monotonic() < deadline:
            time.sleep(_PAUSE)


def _stands(pid: int) -> bool:
    """Whether no thread of a process runs."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return True
    return all(_state(f"{pid}/task/{thread}") in _STOPPED for thread in threads)


def _state(path: str) -> bytes:
    try:
        with open(f"/proc/{path}/stat", "rb") as listing:
            return listing.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return b""


def lives(pid: int) -> bool:
    """Whether a process is more than an entry that its parent has not read yet."""
    if _state(str(pid)) not in (b"Z", b"X", b""):
        return True
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def kill(pid: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal; whether it could be sent."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def used() -> float:
    """CPU seconds used so far by all live descendants."""
    seconds = 0.0
    for pid in descendants(os.getpid()):
        try:
            with open(f"/proc/{pid}/stat", "rb") as listing:
                fields = listing.read().rpartition(b")")[2].split()
        except OSError:
            continue
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS
    return seconds
