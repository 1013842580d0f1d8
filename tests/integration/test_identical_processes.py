"""Programs with identical processes: orders among them count once, and no outcome is missed."""

import math
import textwrap
from pathlib import Path

import pytest

from grader.core.execution import StopReason
from grader.core.verdict import ScriptReport, Verdict
from grader.exploring.explore import Options, explore_script
from grader.exploring.script import load_script

pytestmark = pytest.mark.usefixtures("warm_programs")

PROGRAM = """
import multiprocessing as mp

def work(counter, lock{parameters}):
    {body}

if __name__ == "__main__":
    counter, lock = mp.Value("i", 0), mp.Lock()
    workers = [mp.Process(target=work, args=(counter, lock{arguments})) for number in range({number})]
    for worker in workers:
        worker.start()
    {between}
    for worker in workers:
        worker.join()
    print(counter.value)
"""
LOCKED = "with lock: counter.value += 1"


def explored(
    folder: Path,
    number: int,
    body: str = LOCKED,
    *,
    between: str = "",
    parameters: str = "",
    arguments: str = "",
    strategy: str = "dpor",
) -> ScriptReport:
    text = PROGRAM.format(
        body=body, number=number, between=between, parameters=parameters, arguments=arguments
    )
    path = folder / "program.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return explore_script(load_script(path), Options(strategy=strategy, seconds=math.inf))


def printed(report: ScriptReport) -> set[str]:
    return {outcome.stdout.get("main", "") for outcome in report.outcomes}


def test_eight_processes_with_a_lock_are_verified_in_one_order(tmp_path: Path) -> None:
    report = explored(tmp_path, 8)
    assert (report.verdict, report.traces, report.identical) == (Verdict.VERIFIED, 1, (8,))


@pytest.mark.parametrize("strategy", ["dpor", "exhaustive"])
def test_nothing_is_missed_without_a_lock(tmp_path: Path, strategy: str) -> None:
    report = explored(tmp_path, 2, "counter.value += 1", strategy=strategy)
    assert printed(report) == {"1\n", "2\n"}
    assert report.identical == ((2,) if strategy == "dpor" else ())


DIFFERENT = {
    "a number each": {"parameters": ", own", "arguments": ", number"},
    "what each prints": {"body": "with lock: counter.value += 1; print(counter.value)"},
    "a look whether one lives": {"between": "workers[1].is_alive()"},
    "one that is waited for": {"between": "workers[0].join(); counter.value"},
    "the process id": {"body": f"import os; os.getpid()\n    {LOCKED}"},
}


@pytest.mark.parametrize("parts", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_processes_that_can_be_told_apart_run_in_every_order(tmp_path: Path, parts: dict[str, str]) -> None:
    report = explored(tmp_path, 3, **parts)  # type: ignore[arg-type]
    assert report.identical == ()
    assert report.traces >= 6
    assert report.stopped is StopReason.EXHAUSTED or report.verdict is Verdict.FAILED


def test_two_consumers_share_what_comes_in_every_way(tmp_path: Path) -> None:
    program = """
        import multiprocessing as mp

        def consume(queue, counter):
            while (item := queue.get()) is not None:
                with counter.get_lock():
                    counter.value = counter.value * 10 + item

        if __name__ == "__main__":
            queue, counter = mp.Queue(), mp.Value("i", 0)
            consumers = [mp.Process(target=consume, args=(queue, counter)) for _ in range(2)]
            for consumer in consumers:
                consumer.start()
            for item in (1, 2, None, None):
                queue.put(item)
            for consumer in consumers:
                consumer.join()
            print(counter.value)
    """
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    report = explore_script(load_script(path), Options(seconds=math.inf))
    assert report.identical == (2,)
    assert printed(report) == {"12\n", "21\n"}
