"""How many submissions a second `grader batch` grades on one core and on two. Start at `main`.

The mix is 70 % right, 25 % wrong, 5 % that never end, from the corpus of the tests, every file different from all
others. What is measured is the whole command, reports included; memory is that of the batch's own process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


def files() -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Right, wrong and hanging submissions."""
    known = [entry for entry in entries() if entry.path.startswith(FOLDERS)]
    right = [entry for entry in known if entry.expect == "right"]
    wrong = [entry for entry in known if entry.expect == "wrong" and "hang" not in entry.kinds]
    return right, wrong, [entry for entry in known if entry.kinds == ("hang",)]


def mix(number: int) -> Iterator[Entry]:
    """So many submissions in the proportion of a class."""
    sources = [cycle(several) for several in files()]
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


def batch(folder: Path, output: Path, jobs: int) -> Ran:
    """`grader batch`, as a user would run it."""
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
        command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    _, _, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    return Ran(seconds, usage.ru_maxrss / 1024)


def main() -> None:
    """Print submissions a second, and what a second run over the same folder costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300, help="how many submissions (default: 300)")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
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
                f"again: {again.seconds:.1f} s"
            )
    if len(rates) > 1:
        print(f"{arguments.jobs[-1]} against {arguments.jobs[0]} at once: {rates[-1] / rates[0]:.2f}x")


if __name__ == "__main__":
    main()
