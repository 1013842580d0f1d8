"""What a template knows of the runners that it has forked, and what it does about those that were killed.

Start at `Runners.end`. A runner cleans up after itself, also when the judge was killed. Should it be killed as well,
its processes come to the template, which inherits orphans, and its folder has a lock that nobody holds.
"""

import os
import signal
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from grader.runtime.agent import leftovers, reaper

LAST_SECONDS = 10.0
"""How long runners may take to end by themselves, once there is no judge any more."""
_PAUSE = 0.001
_ENDING_SECONDS = 1.0
_REMEMBERED = 64


class Runners:
    """The runners of this process, which inherits orphans from now on."""

    def __init__(self) -> None:
        reaper.become_reaper()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # how they ended is asked for
        self._alive: set[int] = set()
        self._all: set[int] = set()
        self._ended: dict[int, int] = {}
        self._folders = {tempfile.gettempdir()}

    def add(self, pid: int | None, plan: Mapping[str, Any]) -> None:
        """One more, unless there was no room for it."""
        if pid is not None:
            self._alive.add(pid)
            self._all.add(pid)
        if plan.get("scratch") and not plan.get("namespaces"):
            self._folders.add(str(plan["scratch"]))

    def bury(self) -> None:
        """Kill what is left of runners that are gone."""
        while strays := self._strays():
            for stray in strays:
                reaper.kill(stray)
            time.sleep(_PAUSE)

    def end(self) -> None:
        """Wait until all have ended by themselves, and see that nothing is left of those that were killed."""
        deadline = time.monotonic() + LAST_SECONDS
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self.bury()
        while self._alive and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            self.bury()
        reaper.sweep()
        for folder in self._folders:
            leftovers.remove_stale(folder, self._all)

    def status(self, pid: int) -> int | None:
        """The exit status of a runner that has just ended (negative: a signal); None if it has not, or is not known."""
        deadline = time.monotonic() + _ENDING_SECONDS
        while pid in self._alive and time.monotonic() < deadline:
            self.bury()
            time.sleep(_PAUSE)
        return self._ended.get(pid)

    def _strays(self) -> set[int]:
        """Children of this process that are no runners."""
        self._read_statuses()
        children = set(reaper.children(os.getpid()))
        self._alive &= children
        return children - self._alive

    def _read_statuses(self) -> None:
        """Bury whoever has ended, and remember how runners did."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self._alive:
                self._ended[pid] = os.waitstatus_to_exitcode(status)
                if len(self._ended) > _REMEMBERED:
                    del self._ended[next(iter(self._ended))]
