"""How fast the grader is, beside its peers, in one run. Start at `main`; the README says what is measured."""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.core.execution import Budget
from grader.engine.explorer import explore
from grader.engine.strategies.dpor import Dpor
from grader.grading.scenario import Scenario
from grader.grading.workbench import open_workbench
from grader.runtime.pinning import pinned
from grader.runtime.template import SubmissionText, Template

ROOT = Path(__file__).resolve().parents[2]
TRIVIAL = "def test_trivial():\n    assert 1 + 1 == 2\n"
UNLOCKED = "def increment_counter(counter, lock):\n    counter.value += 1\n"
STUCK = "def increment_counter(counter, lock):\n    lock.acquire()\n    counter.value += 1\n"
PROCESSES = 3
STRESS_PROCESSES = 5
STRESS_SECONDS = 60.0
FORKS = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds of several rounds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The one to quote."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        low, high = min(self.seconds), max(self.seconds)
        return f"{self.median * 1000:8.1f} ms  ({low * 1000:.1f} to {high * 1000:.1f})"


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def in_turn(rounds: int, *actions: Callable[[], object]) -> tuple[Figure, ...]:
    """A B A B …, after one round that does not count."""
    for action in actions:
        action()
    seconds = [[timed(action) for action in actions] for _ in range(rounds)]
    return tuple(Figure(column) for column in zip(*seconds))


def command(*arguments: str) -> Callable[[], object]:
    """A whole process."""
    return lambda: subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, check=False
    )


def compare(title: str, ours: Figure, peer: Figure, name: str) -> None:
    """One line of the table."""
    print(f"{title:44} {ours}   {ours.median / peer.median:6.2f} x {name}", flush=True)


def whole_processes(folder: Path, rounds: int) -> None:
    """`grader check` against pytest with one trivial test."""
    (folder / "test_trivial.py").write_text(TRIVIAL, encoding="utf-8")
    (folder / "stuck.py").write_text(STUCK, encoding="utf-8")
    peer = command(
        "pytest",
        "-q",
        "-p",
        "pytest_timeout",
        "--timeout=10",
        "-c",
        os.devnull,
        str(folder / "test_trivial.py"),
    )
    for name in ("counter", "shared_value", "consumer"):
        ours, theirs = in_turn(rounds, command("grader", "check", f"solutions/{name}.py"), peer)
        compare(f"grader check solutions/{name}.py", ours, theirs, "pytest, one trivial test")
    stuck = command("grader", "check", str(folder / "stuck.py"), "--exercise", "counter")
    ours, theirs = in_turn(rounds, stuck, peer)
    compare("a lock never given back, found", ours, theirs, "pytest, one trivial test")


def bare_forks() -> float:
    """Seconds for one fork + exit + wait of this process."""

    def forks() -> None:
        for _ in range(FORKS):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)

    return timed(forks) / FORKS


def executions(rounds: int) -> None:
    """Controlled executions with three student processes, in units of a bare fork."""
    source = (ROOT / "solutions" / "counter.py").read_text(encoding="utf-8")
    for title, function in (("increment_counter, 3 processes", False), ("run_counter, 3 processes", True)):
        ours, forks = [], []
        with (
            pinned(),
            Template() as template,
            open_workbench(template, SubmissionText("counter", "counter.py", source), "counter", "") as bench,
        ):
            for _ in range(rounds):
                scenario = Scenario(PROCESSES)
                if function:
                    scenario.main("run_counter", PROCESSES)
                else:
                    value, lock = scenario.value("i", 0, "counter"), scenario.lock()
                    scenario.call("increment_counter", value, lock, count=PROCESSES)
                program = bench.program(scenario)
                exploration = explore(program, Dpor(), Budget(), lambda _: True)
                program.close()
                ours.append(exploration.seconds / exploration.executions)
                forks.append(bare_forks())
        one, fork = Figure(tuple(ours)), Figure(tuple(forks))
        compare(
            f"one execution of {title}", one, fork, f"a bare fork ({1 / one.median:.0f} executions a second)"
        )


def _increment(counter: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    counter.value += 1


def _goes_wrong() -> bool:
    counter = multiprocessing.Value("i", 0)
    workers = [multiprocessing.Process(target=_increment, args=(counter,)) for _ in range(STRESS_PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value != STRESS_PROCESSES


def race(folder: Path, rounds: int) -> None:
    """The unlocked counter: shown to be wrong by us, and by running it until it is."""
    (folder / "unlocked.py").write_text(UNLOCKED, encoding="utf-8")
    check = command("grader", "check", str(folder / "unlocked.py"), "--exercise", "counter")
    check()
    ours = Figure(tuple(timed(check) for _ in range(rounds)))
    multiprocessing.set_start_method("fork")
    runs = wrong = 0
    started = time.perf_counter()
    while time.perf_counter() - started < STRESS_SECONDS and wrong < rounds:
        runs += 1
        wrong += _goes_wrong()
    spent = time.perf_counter() - started
    print(f"{'grader check of the unlocked counter':44} {ours}   always found", flush=True)
    found = f"{spent / wrong * 1000:8.1f} ms a wrong run" if wrong else "never went wrong"
    print(f"{'the real program in a loop':44} {found}   {wrong} of {runs} runs wrong ({wrong / runs:.1%})")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole_processes(folder, rounds)
        executions(rounds)
        race(folder, rounds)


if __name__ == "__main__":
    main()
