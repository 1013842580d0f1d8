"""Many gradings in a row, hostile and good files mixed: nothing may be left of them, and nothing may grow.

Start at `main`. Counted after the first hundred gradings, after every further hundred, and at the end, each time once
everything had a moment to end: processes below this one, descriptors of this process and of the template, names in
`/dev/shm`, files in the temporary folder, segments of System V, and the memory of this process and of the template.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from commands import ROOT, descendants

from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime.agent import cgroup
from grader.runtime.sandbox import cgroups
from grader.runtime.template import Template

HOSTILE = ROOT / "tests" / "submissions" / "hostile"
QUICK = (
    "closes_every_descriptor",
    "daemon",
    "exits_with_zero",
    "kills_its_parent_by_c",
    "leaves_a_mark",
    "patches_builtins",
    "phones_home",
    "promises_a_huge_frame",
    "segmentation_fault",
    "speaks_the_protocol",
    "starts_a_shell",
)
GOOD = ("counter", "shared_value", "consumer")
SLOW = ("fork_bomb", "one_gigabyte", "runs_away", "stops_itself")
EVERY = 4
"""Each how many gradings a good file comes."""
SLOW_EVERY = 50
"""Each how many gradings one comes that takes seconds."""
FREE_EVERY = 10
"""Each how many gradings there are free runs as well."""
EXECUTIONS = 40
BLOCK = 100
GRACE_SECONDS = 5.0
MOST_GROUPS = 4
"""A group is removed when the next runner comes; there are as many as trees of cgroups, for each of two runners."""
MEMORY_MB = 8.0
"""What a process may grow by, at most: the allocator's own ups and downs are of this size."""


@dataclass(frozen=True, slots=True)
class State:
    """What there is besides the gradings themselves; numbers and memory (MB) of this process, then the template's."""

    processes: int
    descriptors: tuple[int, int]
    names: frozenset[str]
    memory: tuple[float, float]

    def worse_than(self, before: "State") -> list[str]:
        """What there is more of, in words."""
        found = [f"{name}" for name in sorted(self.names - before.names)]
        if self.processes > before.processes:
            found.append(f"{self.processes - before.processes} processes")
        for whose, now, then in zip(("judge", "template"), self.descriptors, before.descriptors):
            if now > then:
                found.append(f"{now - then} descriptors of the {whose}")
        for whose, size, former in zip(("judge", "template"), self.memory, before.memory):
            if size > former + MEMORY_MB:
                found.append(f"{size - former:.1f} MB of memory of the {whose}")
        return found

    def __str__(self) -> str:
        judge, template = self.memory
        return (
            f"{self.processes} processes, {sum(self.descriptors)} descriptors, {len(self.names)} names, "
            f"judge {judge:.1f} MB, template {template:.1f} MB"
        )


def ours(folder: str) -> list[str]:
    """Files in a folder that could be ours: other programs use these folders, too."""
    starts = ("gr", "sem.gr", "sem.mp-", "psm_", "pym-")
    return [f"{folder}/{name}" for name in os.listdir(folder) if name.startswith(starts)]


def files() -> list[str]:
    """What there is in the temporary folder, which is ours alone."""
    return [f"{tempfile.gettempdir()}/{name}" for name in os.listdir(tempfile.gettempdir())]


def groups(template: Template) -> list[str]:
    """The cgroups of a template's runners; one may still be ending."""
    folders = [Path(subtree.folder) for subtree in cgroups.find().subtrees]
    return [str(path) for folder in folders for path in folder.glob(f"{cgroup.PREFIX}{template.pid}-*")]


def segments() -> list[str]:
    """What there is of System V's shared memory and semaphores, on the whole machine."""
    found = []
    for kind in ("shm", "sem", "msg"):
        with open(f"/proc/sysvipc/{kind}", encoding="ascii") as listing:
            found += [f"{kind} {line.split()[1]}" for line in listing.readlines()[1:]]
    return found


def resident(pid: int) -> float:
    """Memory of a process that is its own, in MB: what it shares with others is not counted."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as listing:
        pairs = [line.split() for line in listing.readlines()[1:]]
    return sum(int(words[1]) for words in pairs if words[0].startswith("Private")) / 1024


def state(template: Template) -> State:
    """What there is now."""
    gc.collect()
    both = (os.getpid(), template.pid)
    descriptors = [len(os.listdir(f"/proc/{pid}/fd")) for pid in both]
    names = [*ours("/dev/shm"), *files(), *segments()]
    groups_there = groups(template)
    names += [f"{len(groups_there)} cgroups"] if len(groups_there) > MOST_GROUPS else []
    memory = [resident(pid) for pid in both]
    return State(
        len(descendants()), (descriptors[0], descriptors[1]), frozenset(names), (memory[0], memory[1])
    )


def settled(template: Template, before: State) -> State:
    """The state once it is no worse than `before`, or the time is up."""
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        now = state(template)
        if not now.worse_than(before) or time.monotonic() > deadline:
            return now
        time.sleep(0.05)


def chosen(number: int) -> Path:
    """The file that is graded as that number."""
    if number % SLOW_EVERY == SLOW_EVERY - 1:
        return HOSTILE / f"{SLOW[number // SLOW_EVERY % len(SLOW)]}.py"
    if number % EVERY == 0:
        return ROOT / "solutions" / f"{GOOD[number // EVERY % len(GOOD)]}.py"
    return HOSTILE / f"{QUICK[number % len(QUICK)]}.py"


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade and count; 1 if anything is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gradings", type=int, default=2 * BLOCK, help="at least two hundred")
    given = parser.parse_args(arguments)
    scores: dict[Path, set[float]] = {}
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as tempfile.tempdir, Template() as template:
        empty = frozenset([*ours("/dev/shm"), *files(), *segments()])
        print(template.isolation().line, flush=True)
        # One runner may still be ending when it is counted: it is no more than that, whatever was graded.
        first = after = State(1, (0, 0), empty, (0.0, 0.0))
        for number in range(given.gradings):
            path = chosen(number)
            good = path.parent.name == "solutions"
            options = CheckOptions(free_runs=number % FREE_EVERY == 0, executions=EXECUTIONS)
            exercise = catalogue.resolve(path, path.stem if good else "counter")
            score = grade(template, load(path), exercise, options).score
            if good:
                scores.setdefault(path, set()).add(round(score))
            if (number + 1) % BLOCK == 0 or number + 1 == given.gradings:
                after = settled(template, first)
                if number + 1 == BLOCK:
                    first = State(1, after.descriptors, empty, after.memory)
                print(f"{number + 1:5} in {time.monotonic() - started:.0f} s: {after}", flush=True)
    left = [*after.worse_than(first), *groups(template)]
    left += [f"several scores of {path.name}" for path, found in scores.items() if len(found) > 1]
    print("left: " + (", ".join(left) or "nothing"))
    return 1 if left or given.gradings < 2 * BLOCK else 0


if __name__ == "__main__":
    sys.exit(main())
