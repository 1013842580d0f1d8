"""Bombs of processes and of memory, set off in earnest where the kernel has a limit for them. Start at `tried`.

How much got through is counted from outside, by looking at the processes below the template. Where no limit of the
kernel holds a bomb, it is not set off, and nothing is said about what would have become of it.
"""

import enum
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from grader.runtime.agent import reaper
from grader.runtime.agent.cgroup import Part
from grader.runtime.free import FreeReport, FreeStatus
from grader.runtime.sandbox import plan
from grader.runtime.sandbox.levels import Isolation

_MB = 2**20
_PAGE = os.sysconf("SC_PAGE_SIZE")
FORKS = 1000
"""So many have to be tried before it counts."""
_SECONDS = (2.0, 10.0)
"""How long a bomb of processes may take, and how much longer if too few forks were tried by then."""
_HUNGRY = 14
_TIMES = 2
"""So many times what is allowed a bomb of memory wants."""
_OWN = 8
"""Processes of ours below a template that are not counted by the kernel's limit."""
_PERIOD = 0.005
_HELD = {
    Part.PIDS: "have more processes than its cgroup may",
    Part.MEMORY: "have more memory than its cgroup may",
    Part.KILL: "outlive its cgroup",
}


class Outcome(enum.Enum):
    """What came of an attack."""

    STOPPED = "stopped"
    SUCCEEDED = "succeeded"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Tried:
    """An attack, what came of it, whether the level promises to stop it, and figures or reasons."""

    title: str
    outcome: Outcome
    promised: bool = True
    note: str = ""


Perform = Callable[[str, tuple[Any, ...]], FreeReport]
"""Executes a function of `attacks`."""


def tried(perform: Perform, template: int, isolation: Isolation, memory: int) -> Iterator[Tried]:
    """Both bombs, and what was tried of a cgroup when it was made. `template` is the process, `memory` the limit."""
    titles = ("start processes without end", "use too much memory in all")
    if not isolation.limits_processes:
        why = "no limit of the kernel is for it alone"
        yield from (Tried(title, Outcome.NOT_TRIED, False, why) for title in titles)
    else:
        yield _of_processes(titles[0], perform, template)
        yield _of_memory(titles[1], perform, template, memory)
    yield from (Tried(_HELD[part], Outcome.STOPPED) for part in isolation.cgroup)
    for reason in isolation.lacking:
        name, _, why = reason.partition(": ")
        yield Tried(_HELD[Part(name)], Outcome.NOT_TRIED, False, why)


def _of_processes(title: str, perform: Perform, template: int) -> Tried:
    with _Watch(template) as watch:
        report = perform("multiplies", (FORKS, *_SECONDS))
    through = f"at most {watch.processes} processes got through at once"
    if report.status is not FreeStatus.DONE or not isinstance(report.returned, int):
        ended = report.failure.message if report.failure else report.status.value
        note = f"it was ended before: {ended}; {through}"
        return Tried(title, _kept(watch.processes) or Outcome.NOT_TRIED, note=note)
    note = f"{report.returned} forks tried, {through}"
    enough = Outcome.STOPPED if report.returned >= FORKS else Outcome.NOT_TRIED
    return Tried(title, _kept(watch.processes) or enough, note=note)


def _kept(processes: int) -> Outcome | None:
    """The outcome if there were more processes than may be."""
    return Outcome.SUCCEEDED if processes > plan.PROCESSES + _OWN else None


def _of_memory(title: str, perform: Perform, template: int, memory: int) -> Tried:
    each = _TIMES * memory // _HUNGRY // _MB
    with _Watch(template) as watch:
        report = perform("takes_memory", (_HUNGRY, each))
    through = report.status is FreeStatus.DONE and report.returned >= _HUNGRY * each
    wanted = f"{_HUNGRY} processes wanted {_HUNGRY * each} MB, {memory // _MB} are allowed"
    note = f"{wanted}, at most {watch.memory // _MB} MB got through at once"
    return Tried(title, Outcome.SUCCEEDED if through else Outcome.STOPPED, note=note)


class _Watch:
    """Looks again and again at what is below a template; the most that was there at once is kept."""

    def __init__(self, template: int) -> None:
        self._template = template
        self._common = own_memory(template)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.processes = 0
        self.memory = 0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_PERIOD):
            pids = reaper.descendants(self._template)
            self.processes = max(self.processes, len(pids))
            self.memory = max(self.memory, sum(max(0, own_memory(pid) - self._common) for pid in pids))


def own_memory(pid: int) -> int:
    """Bytes of memory that belong to no file; a process has those of the template, and its own."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as listing:
            _, resident, shared, *_ = map(int, listing.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * _PAGE
