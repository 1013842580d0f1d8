"""Many gradings in a row, hostile and good files mixed: nothing may be left of them, and nothing may grow.

Start at `main`. Counted during the second round, and at the end once everything had a moment: processes below this
one, descriptors of this process, names in `/dev/shm`, files in the temporary folder, and this process's memory.
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
from grader.runtime.template import Template

HOSTILE = ROOT / "tests" / "submissions" / "hostile"
CHOSEN = (
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
WARM_UP = 2
GRACE_SECONDS = 3.0
MEMORY_MB = 8.0
"""What this process may grow by, at most: the allocator's own ups and downs are of this size."""


@dataclass(frozen=True, slots=True)
class State:
    """What there is besides the gradings themselves."""

    processes: int
    descriptors: int
    shared: frozenset[str]
    files: frozenset[str]
    memory: float

    def least_good(self, other: "State | None") -> "State":
        """The larger number of each: what belongs to the last grading is still there for a while."""
        if other is None:
            return self
        return State(
            max(self.processes, other.processes),
            max(self.descriptors, other.descriptors),
            self.shared & other.shared,
            self.files & other.files,
            max(self.memory, other.memory),
        )

    def worse_than(self, before: "State") -> list[str]:
        """What there is more of, in words."""
        found = []
        for name, now, then in (
            ("processes", self.processes, before.processes),
            ("descriptors", self.descriptors, before.descriptors),
        ):
            if now > then:
                found.append(f"{now - then} {name}")
        found += [f"/dev/shm/{name}" for name in self.shared - before.shared]
        found += [f"a temporary file {name}" for name in self.files - before.files]
        if self.memory > before.memory + MEMORY_MB:
            found.append(f"{self.memory - before.memory:.1f} MB of memory")
        return found


def ours(folder: str) -> frozenset[str]:
    """Names in a folder that could be ours: other programs use these folders, too."""
    return frozenset(
        name for name in os.listdir(folder) if name.startswith(("gr", "sem.gr", "sem.mp-", "psm_", "pym-"))
    )


def state() -> State:
    """What there is now."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return State(
        len(descendants()),
        len(os.listdir("/proc/self/fd")),
        ours("/dev/shm"),
        ours(tempfile.gettempdir()),
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
    )


def settled(before: State) -> State:
    """The state once it is no worse than `before`, or the time is up."""
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        now = state()
        if not now.worse_than(before) or time.monotonic() > deadline:
            return now
        time.sleep(0.05)


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade and count; 1 if anything is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gradings", type=int, default=100, help="at least two rounds")
    parser.add_argument("--free-runs", action="store_true")
    given = parser.parse_args(arguments)
    options = CheckOptions(free_runs=given.free_runs, budget=2.0)
    good = [ROOT / "solutions" / f"{name}.py" for name in ("counter", "shared_value", "consumer")]
    files = [path for name in CHOSEN for path in (HOSTILE / f"{name}.py", good[0])] + good[1:]
    scores: dict[Path, set[float]] = {}
    started = time.monotonic()
    with Template() as template:
        print(template.isolation().line)
        before: State | None = None
        for number in range(given.gradings):
            path = files[number % len(files)]
            exercise = catalogue.resolve(path, path.stem if path in good else "counter")
            scores.setdefault(path, set()).add(grade(template, load(path), exercise, options).score)
            if (WARM_UP - 1) * len(files) <= number < WARM_UP * len(files):
                before = state().least_good(before)
        after = settled(before) if before is not None else state()
    seconds = time.monotonic() - started
    print(f"{given.gradings} gradings in {seconds:.0f} s; {after.memory:.1f} MB of memory")
    left = after.worse_than(before) if before is not None else []
    left += [f"several scores of {path.name}" for path in good if len(scores.get(path, set())) > 1]
    print("left: " + (", ".join(left) or "nothing"))
    return 1 if left or before is None else 0


if __name__ == "__main__":
    sys.exit(main())
