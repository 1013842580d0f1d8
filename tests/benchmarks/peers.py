"""What others make of the same submissions, and how long they take. Start at `main`.

The exercise is `counter`, the mix that of `batch.py`: 70 % right, 25 % wrong, 5 % that never end. Beside `grader batch`
stand plain pytest with pytest-timeout, one process a file, and check50 (`pip install check50`), with checks as one
would write them there (`peers/`): they run the program and look at the result. Everything runs on one core.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).resolve().parent / "peers"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from batch import batch, mix, on_cores  # noqa: E402 (tests is no package to be installed)
from manifest import SUBMISSIONS, Entry  # noqa: E402

_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Seconds for all files, and for each whether it was accepted."""

    seconds: float
    accepted: tuple[bool, ...]


def hand_in(folder: Path, files: Sequence[Entry]) -> list[Path]:
    """A folder for each student."""
    places = [folder / f"student{index:04}" for index in range(len(files))]
    for index, (place, entry) in enumerate(zip(places, files)):
        place.mkdir(parents=True)
        (place / "counter.py").write_bytes((SUBMISSIONS / entry.path).read_bytes() + b"\n# %d\n" % index)
    return places


def with_grader(folder: Path, places: Sequence[Path]) -> Judged:
    """`grader batch` on one core."""
    output = folder.parent / "grades"
    ran = batch(folder, output, 1)
    students = json.loads((output / "grades.json").read_text(encoding="utf-8"))["students"]
    verdicts = {line["student"]: line["submissions"][0]["verdict"] for line in students}
    return Judged(ran.seconds, tuple(verdicts[place.name] == "passed" for place in places))


def one_by_one(
    command: list[str], accepts: Callable[[int, str], bool]
) -> Callable[[Path, Sequence[Path]], Judged]:
    """A command that is run in the folder of each file."""

    def judge(_: Path, places: Sequence[Path]) -> Judged:
        started = time.perf_counter()
        accepted = tuple(accepts(*run(command, place)) for place in places)
        return Judged(time.perf_counter() - started, accepted)

    return judge


def run(command: list[str], place: Path) -> tuple[int, str]:
    """Exit status and standard output; what is still there after that, is killed."""
    with subprocess.Popen(
        command,
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=on_cores(1),
    ) as process:
        try:
            output, _ = process.communicate(timeout=_LIMIT)
        except subprocess.TimeoutExpired:
            output = ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait(), output


def all_checks_passed(_: int, output: str) -> bool:
    """Whether check50 has found nothing to complain about."""
    try:
        results = json.loads(output)["results"]
    except (ValueError, KeyError):
        return False
    return bool(results) and all(result["passed"] for result in results)


def competitors() -> dict[str, Callable[[Path, Sequence[Path]], Judged]]:
    """Everything that is installed here."""
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=10"]
    tests += ["-c", os.devnull, str(PEERS / "counter_with_pytest.py")]
    found = {
        "grader batch": with_grader,
        "pytest + pytest-timeout": one_by_one(tests, lambda code, _: code == 0),
    }
    check50 = shutil.which("check50")
    if check50 is None:
        print("check50 is not on the PATH: left out (pip install check50)")
    else:
        command = [check50, "--dev", str(PEERS / "check50"), "-o", "json"]
        found["check50"] = one_by_one(command, all_checks_passed)
    return found


def main() -> None:
    """Print, for each, seconds a file and how many of the right and of the wrong ones it has accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=60, help="how many submissions (default: 60)")
    number = parser.parse_args().number
    files = list(mix(number, ("counter/",)))
    right = [entry.expect == "right" for entry in files]
    print(f"{number} submissions, {sum(right)} of them right; load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, judge in competitors().items():
            folder = Path(scratch) / name.replace(" ", "") / "in"
            judged = judge(folder, hand_in(folder, files))
            missed = sum(accepted and not fine for accepted, fine in zip(judged.accepted, right))
            refused = sum(fine and not accepted for accepted, fine in zip(judged.accepted, right))
            print(
                f"{name:24} {judged.seconds / number:6.2f} s a file; wrong and accepted: {missed} "
                f"of {number - sum(right)}; right and refused: {refused} of {sum(right)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
