"""What a template knows of the runners that it has forked, and what it does about those that were killed.

Start at `Runners.end`. A runner cleans up after itself, also when the judge was killed. Should it be killed as well,
its processes come to the template, which inherits orphans, and its folder has a lock that nobody holds. Its cgroup is
removed here, however it has ended: it could not reach that itself any more.
"""

import os
import secrets
import signal
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from grader.runtime.agent import cgroup, leftovers, reaper

LAST_SECONDS = 10.0
"""How long runners may take to end by themselves, once there is no judge any more."""
_PAUSE = 0.001
_RANDOM_BYTES = 6
_ENDING_SECONDS = 1.0
_REMEMBERED = 64


class Runners:
    """The runners of this process, which inherits orphans from now on."""

    def __init__(self) -> None:
        reaper.become_reaper()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # how they ended is asked for
        self._alive: set[int] = set()
        self._all = {os.getppid()}  # the judge, which may have copied an interpreter for us
        self._ended: dict[int, int] = {}
        self._folders = {tempfile.gettempdir()}
        self._groups: dict[int, Mapping[str, Any]] = {}

    def name(self) -> str:
        """What the cgroup of the next runner is called."""
        return f"{cgroup.PREFIX}{os.getpid()}-{secrets.token_hex(_RANDOM_BYTES)}"

    def add(self, pid: int | None, plan: Mapping[str, Any]) -> None:
        """One more, unless there was no room for it."""
        if pid is not None:
            self._alive.add(pid)
            self._all.add(pid)
            if plan.get("cgroup"):
                self._groups[pid] = plan
        if plan.get("scratch") and not plan.get("namespaces"):
            self._folders.add(str(plan["scratch"]))

    def bury(self) -> None:
        """Kill what is left of runners that are gone, and remove their cgroups."""
        self._bury_strays()
        for pid in set(self._groups) - self._alive:
            cgroup.remove(self._groups.pop(pid))

    def _bury_strays(self) -> None:
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
        for plan in self._groups.values():
            cgroup.remove(plan)
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
