"""What one process below a runner uses, and whether it sleeps. Start at `Figures.of`.

The judge knows a process by its channel: of a socket pair that it has made, it knows the number of the other end. A
controlled process has that end at `channel.DESCRIPTOR`, so it is found by its open files, whatever namespace it is in.
"""

import os
from typing import Any

from grader.runtime.agent import reaper
from grader.runtime.agent.channel import DESCRIPTOR

_TICKS = os.sysconf("SC_CLK_TCK")
_ASLEEP = (b"S", b"T", b"t")
_SWITCHES = b"ctxt_switches:"


class Figures:
    """Looks at processes, and remembers which was the last one."""

    def __init__(self) -> None:
        self._pid = 0

    def find(self, socket: int) -> int:
        """The process that has the socket of this number as its channel, 0 if there is none."""
        end = f"socket:[{socket}]"
        for pid in (self._pid, *reaper.descendants(os.getpid())):
            if pid and _channel(pid) == end:
                self._pid = pid
                return pid
        return 0

    def of(self, socket: int) -> dict[str, Any]:
        """See `grader.runtime.silence.Figures`."""
        pid = self.find(socket)
        if not pid:
            return {"found": False}
        try:
            with open(f"/proc/{pid}/stat", "rb") as listing:
                fields = listing.read().rpartition(b")")[2].split()
            threads = os.listdir(f"/proc/{pid}/task")
            seen = [_thread(f"/proc/{pid}/task/{thread}/status") for thread in threads]
        except (OSError, IndexError, ValueError):
            return {"found": False}
        return {
            "found": True,
            "cpu": (int(fields[11]) + int(fields[12])) / _TICKS,
            "switches": sum(switches for _, switches in seen),
            "asleep": all(state in _ASLEEP for state, _ in seen),
            "ready": any(state == b"R" for state, _ in seen),
        }


def _channel(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{DESCRIPTOR}")
    except OSError:
        return ""


def _thread(path: str) -> tuple[bytes, int]:
    """The state of a thread, and how often it has left a core, of its own will or not."""
    state, switches = b"", 0
    with open(path, "rb") as listing:
        for line in listing:
            if line.startswith(b"State:"):
                state = line.split()[1]
            elif _SWITCHES in line:
                switches += int(line.split()[1])
    return state, switches
