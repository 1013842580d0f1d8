"""How many submissions a second `grader batch` grades on one core and on two. Start at `main`.

The mix is 70 % right, 25 % wrong, 5 % that never end, from the corpus of the tests, every file different from all
others. What is measured is the whole command, reports included; memory is that of the batch's own process. On one core
means that all its processes have to share that one.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from manifest import SUBMISSIONS, Entry, entries  # noqa: E402 (tests is no package to be installed)

FOLDERS = ("counter/", "shared_value/", "consumer/")


@dataclass(frozen=True, slots=True)
class Ran:
    """One command: seconds of the wall clock, peak memory of the batch in MB."""

    seconds: float
    megabytes: float


def files(folders: tuple[str, ...] = FOLDERS) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Right, wrong and hanging submissions."""
    known = [entry for entry in entries() if entry.path.startswith(folders)]
    right = [entry for entry in known if entry.expect == "right"]
    wrong = [entry for entry in known if entry.expect == "wrong" and "hang" not in entry.kinds]
    return right, wrong, [entry for entry in known if entry.kinds == ("hang",)]


def mix(number: int, folders: tuple[str, ...] = FOLDERS) -> Iterator[Entry]:
    """So many submissions in the proportion of a class."""
    sources = [cycle(several) for several in files(folders)]
    pattern = [0] * 14 + [1] * 5 + [2]
    spread = [pattern[(index * 7) % len(pattern)] for index in range(len(pattern))]
    for which in islice(cycle(spread), number):
        yield next(sources[which])


def hand_in(folder: Path, number: int) -> None:
    """A folder for each student."""
    for index, entry in enumerate(mix(number)):
        place = folder / f"student{index:04}"
        place.mkdir(parents=True)
        text = (SUBMISSIONS / entry.path).read_bytes() + f"\n# {index}\n".encode()
        (place / f"{entry.exercise}.py").write_bytes(text)


def on_cores(number: int) -> Callable[[], None] | None:
    """What keeps a process, and all that it starts, on so many cores; None where that cannot be."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = set(sorted(os.sched_getaffinity(0))[:number])
    return lambda: os.sched_setaffinity(0, cores)


def batch(folder: Path, output: Path, jobs: int) -> Ran:
    """`grader batch`, as a user would run it on so many cores."""
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "grader",
        "batch",
        str(folder),
        "--output",
        str(output),
        "--jobs",
        str(jobs),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=on_cores(jobs),
    )
    _, _, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    return Ran(seconds, usage.ru_maxrss / 1024)


def costs(output: Path, number: int) -> dict[str, list[float]]:
    """Seconds that each submission took, by what it is: right, wrong, hanging."""
    right, wrong, _ = files()
    kinds = {entry.path: "right" for entry in right} | {entry.path: "wrong" for entry in wrong}
    students = json.loads((output / "grades.json").read_text(encoding="utf-8"))["students"]
    seconds = {line["student"]: line["submissions"][0]["seconds"] for line in students}
    found = defaultdict(list)
    for index, entry in enumerate(mix(number)):
        found[kinds.get(entry.path, "hanging")].append(seconds[f"student{index:04}"])
    return found


def main() -> None:
    """Print submissions a second, what one costs, and what a second run over the same folder costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300, help="how many submissions (default: 300)")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="cores (default: 1 2)")
    arguments = parser.parse_args()
    print(f"{arguments.number} submissions; load of the machine before: {os.getloadavg()[0]:.1f}")
    rates = []
    with tempfile.TemporaryDirectory() as scratch:
        hand_in(Path(scratch) / "in", arguments.number)
        for jobs in arguments.jobs:
            output = Path(scratch) / f"out{jobs}"
            first = batch(Path(scratch) / "in", output, jobs)
            again = batch(Path(scratch) / "in", output, jobs)
            rates.append(arguments.number / first.seconds)
            print(
                f"{jobs} at once: {rates[-1]:6.2f} a second, {first.seconds:.1f} s, {first.megabytes:.0f} MB; "
                f"again: {again.seconds:.1f} s",
                flush=True,
            )
            for kind, seconds in sorted(costs(output, arguments.number).items()):
                print(
                    f"    {kind:8} median {statistics.median(seconds):5.2f} s, longest {max(seconds):5.2f} s"
                )
    if len(rates) > 1:
        print(f"{arguments.jobs[-1]} cores against {arguments.jobs[0]}: {rates[-1] / rates[0]:.2f}x")


if __name__ == "__main__":
    main()
