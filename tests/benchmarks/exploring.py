"""What the search through all orders costs, and what it saves. Start at `main`; the README says what is measured."""

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from speed import STRESS_PROCESSES, Figure, _goes_wrong, bare_forks, compare

from grader.core.execution import Budget, Execution
from grader.engine.explorer import Exploration, Progress, explore
from grader.engine.scripted import ScriptedProgram
from grader.engine.strategies.dpor import Dpor
from grader.engine.symmetry import explore_identical
from grader.exploring.script import load_script, open_script
from grader.primitives.memory import MemoryState
from tests.litmus import classics

PROGRAM = """
import multiprocessing as mp

def work(counter, lock):
    {body}

if __name__ == "__main__":
    counter, lock = mp.Value("i", 0), mp.Lock()
    workers = [mp.Process(target=work, args=(counter, lock)) for _ in range({number})]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""
LOCKED = "with lock: counter.value += 1"
UNLOCKED = "counter.value += 1"
MOST = 200
"""Executions without symmetry; what is left is estimated."""
COUNTS = range(3, 9)


def everything(execution: Execution) -> bool:
    """Goes on whatever comes."""
    return True


def engine(rounds: int) -> None:
    """Executions without any process, so what is left is the engine itself."""
    for title, program in (
        ("locked counter, 5 tasks", classics.locked_counter(5, 1)),
        ("unlocked counter, 2 tasks x 3", classics.unlocked_counter(2, 3)),
    ):
        totals = [explore(ScriptedProgram(*program), Dpor(), Budget(), everything) for _ in range(rounds)]
        one = Figure(tuple(total.seconds / total.executions for total in totals))
        title = f"engine alone: {title} ({totals[0].executions} executions)"
        print(f"{title:60} {one}   {1 / one.median:.0f} executions a second", flush=True)


def program_in(folder: Path, body: str, number: int) -> Path:
    """The program with so many processes, as a file."""
    path = folder / f"program_{number}.py"
    path.write_text(PROGRAM.format(body=body, number=number), encoding="utf-8")
    return path


def symmetry(folder: Path) -> None:
    """The locked counter: executions with identical processes counted once, and with every order."""
    for number in COUNTS:
        with open_script(load_script(program_in(folder, LOCKED, number))) as program:
            once = explore_identical(program, Dpor(), Budget(), everything, restart=Dpor)
            last: list[Progress] = []
            budget = Budget(executions=MOST, seconds=60.0)
            every = explore(program, Dpor(), budget, everything, on_progress=last.append)
            left = last[-1].left()
        print(f"locked counter, {number} processes: {_in_words(once)} | {_in_words(every)}, estimated left {left:,}, "
              f"really {math.factorial(number) - every.executions:,}", flush=True)  # fmt: skip


def _in_words(total: Exploration) -> str:
    return f"{total.executions} executions, {total.seconds:.2f} s ({total.stopped.value})"


def unit(folder: Path, rounds: int) -> None:
    """One controlled execution of a whole program, in bare forks."""
    with open_script(load_script(program_in(folder, LOCKED, 3))) as program:
        ours, forks = [], []
        for _ in range(rounds):
            total = explore(program, Dpor(), Budget(), everything)
            ours.append(total.seconds / total.executions)
            forks.append(bare_forks())
    compare(
        "one execution of a program with 3 processes",
        Figure(tuple(ours)),
        Figure(tuple(forks)),
        "a bare fork",
    )


def first_failure(folder: Path, rounds: int, seconds: float) -> None:
    """The unlocked counter with five processes: until it goes wrong for the first time."""

    def right(execution: Execution) -> bool:
        values = [state.data for state in execution.objects.values() if isinstance(state, MemoryState)]
        return values[0][0] == STRESS_PROCESSES

    with open_script(load_script(program_in(folder, UNLOCKED, STRESS_PROCESSES))) as program:
        totals = [explore(program, Dpor(), Budget(), right) for _ in range(rounds)]
    ours = Figure(tuple(total.seconds for total in totals))
    print(f"{'explored until it goes wrong':44} {ours}   in execution {totals[0].executions}", flush=True)
    found: list[float] = []
    runs, ends = 0, time.perf_counter() + seconds
    while time.perf_counter() < ends and len(found) < rounds:
        started = time.perf_counter()
        wrong = False
        while not wrong and time.perf_counter() < ends:
            runs += 1
            wrong = _goes_wrong()
        if wrong:
            found.append(time.perf_counter() - started)
    peer = str(Figure(tuple(found))) if found else f"never in {seconds:.0f} s"
    print(f"{'run freely until it goes wrong':44} {peer}   {len(found)} of {runs} runs wrong", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stress", type=float, default=60.0, help="seconds of free runs, at most")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine(options.rounds)
        symmetry(folder)
        unit(folder, options.rounds)
        first_failure(folder, options.rounds, options.stress)


if __name__ == "__main__":
    main()
