"""How far many processes that take memory all at once get beyond what they may have together. Start at `main`.

Each touches a page at a time, as fast as the machine gives them. The most that was there at once is seen from outside,
every few milliseconds, by a process that goes before all others if it may.
"""

import argparse
import contextlib
import os
import signal
import time
from pathlib import Path

from grader.runtime.agent import reaper
from grader.runtime.free import FreeRun, FreeRuns, Limits, RealCall, StartMethod, plainly
from grader.runtime.sandbox import bombs
from grader.runtime.template import SubmissionText, Template

SOURCE = """
import mmap, os

def take(processes, each):
    reader, writer = os.pipe()
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            memory = mmap.mmap(-1, each * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            for place in range(0, len(memory), mmap.PAGESIZE):
                memory[place] = 1
            os._exit(0)
        children.append(child)
    os.close(writer)
    for child in children:
        os.waitpid(child, 0)
"""
PROCESSES = 14
EACH_MB = 400
PERIOD = 0.002


def watch(template: int, result: Path) -> None:
    """Keep the most memory that there was below the template, until killed."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    most, common = 0, bombs.own_memory(template)
    while True:
        used = sum(max(0, bombs.own_memory(pid) - common) for pid in reaper.descendants(template))
        if used > most:
            most = used
            result.write_text(str(most))
        time.sleep(PERIOD)


def once(memory: int, result: Path) -> int:
    """The most bytes that there were at once, of so many that are allowed."""
    text = SubmissionText("takes", "takes.py", SOURCE)
    call = RealCall("take", (plainly(PROCESSES), plainly(EACH_MB)))
    with Template(memory=memory) as template:
        template.isolation()
        watcher = os.fork()
        if watcher == 0:
            try:
                watch(template.pid, result)
            finally:
                os._exit(1)
        try:
            with FreeRuns(lambda: template.runner(text), Limits(20.0, 15.0, 15.0)) as runs:
                runs.perform(FreeRun(method=StartMethod.FORK, call=call))
        finally:
            os.kill(watcher, signal.SIGKILL)
            os.waitpid(watcher, 0)
    return int(result.read_text())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--memory", type=int, default=1024, metavar="MB")
    given = parser.parse_args()
    result = Path(f"/tmp/grader-overshoot-{os.getpid()}")
    try:
        with Template() as template:
            print(template.isolation().line)
        found = sorted(once(given.memory * 2**20, result) for _ in range(given.rounds))
    finally:
        result.unlink(missing_ok=True)
    times = [f"{size / 2**20 / given.memory:.2f}" for size in (found[0], found[len(found) // 2], found[-1])]
    print(f"{PROCESSES} processes, {given.memory} MB allowed: {times[1]}x (from {times[0]} to {times[2]})")


if __name__ == "__main__":
    main()
