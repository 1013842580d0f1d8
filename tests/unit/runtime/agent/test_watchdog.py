"""Sums over all processes below one, which is a new and small interpreter each time: forks of a large one are large."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grader.runtime.agent import watchdog

_BEGINNING = """
import mmap, os, sys, tempfile, time
from grader.runtime.agent import reaper, watchdog
from grader.runtime.agent.watchdog import Watchdog

MB = 2**20

def start(body):
    '''A child that does something, then waits; its pid, once that has been done.'''
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kept = body()
            os.write(writer, b"x")
            time.sleep(36_000)
        finally:
            os._exit(1)
    os.close(writer)
    assert os.read(reader, 1) == b"x"
    return pid

def taken(size):
    '''Memory that is really there.'''
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(b"x" * size)
    return memory

def dog(**plan):
    return Watchdog({"memory": 40 * MB, "processes": 10, **plan}, "", os.getuid())

def expect(got, wanted):
    if got != wanted:
        sys.exit(f"{got!r}, not {wanted!r}")

try:
"""
_END = """
finally:
    for pid in reaper.children(os.getpid()):
        reaper.kill(pid)
"""

SCENARIOS = {
    "what is near to a limit is told once": """
        watch, told = dog(memory=200 * MB), []
        watch.note = told.append
        start(lambda: taken(40 * MB))
        expect(watch.look(), "")
        expect(told, [])
        start(lambda: taken(90 * MB))
        for _ in range(3):
            expect(watch.look(), "")
            expect(told, ["more than 100 MB of memory"])
        many, told = dog(memory=400 * MB, processes=4), []
        many.note = told.append
        start(lambda: None)
        expect(many.look(), "")
        expect(told, ["more than 2 processes"])
    """,
    "the sum over all processes counts": """
        watch = dog(memory=60 * MB)
        start(lambda: taken(40 * MB))
        expect(watch.look(), "")
        start(lambda: taken(40 * MB))
        expect(watch.look(), "more than 60 MB of memory in all its processes together")
    """,
    "shared memory counts once": """
        memory = taken(40 * MB)
        for _ in range(3):
            start(lambda: memory[0])
        expect(dog(memory=80 * MB).look(), "")
    """,
    "where shares cannot be known nobody is blamed for them": """
        watchdog._fair_share = watchdog._grown
        memory = taken(40 * MB)
        for _ in range(3):
            start(lambda: memory[0])
        expect(dog(memory=80 * MB).look(), "")
        start(lambda: taken(60 * MB))
        start(lambda: taken(60 * MB))
        expect(dog(memory=80 * MB).look(), "more than 80 MB of memory in all its processes together")
    """,
    "who is just ending has a moment": """
        pid = start(lambda: taken(90 * MB))
        def sleep(_):
            reaper.kill(pid)
            os.waitpid(pid, 0)
        time.sleep = sleep
        expect(dog(memory=80 * MB).look(), "")
        expect(reaper.children(os.getpid()), [])
    """,
    "who grows fast stands still while it is measured": """
        states = []
        fair = watchdog._fair_share
        def measured(pid):
            while not reaper._stands(pid):
                time.sleep(0.001)
            states.append(reaper._state(str(pid)))
            return fair(pid)
        watchdog._fair_share = measured
        memory = taken(60 * MB)
        watch = dog(memory=80 * MB)
        for _ in range(2):
            start(lambda: memory[0])
        expect(watch.look(), "")
        expect(states, [b"T", b"T"])
        for pid in reaper.children(os.getpid()):
            while reaper._stands(pid):
                if reaper._state(str(pid)) == b"S":
                    break
                time.sleep(0.001)
        start(lambda: taken(90 * MB))
        expect(watch.look(), "more than 80 MB of memory in all its processes together")
        expect(set(states), {b"T"})
    """,
    "who does not grow fast is not stopped": """
        memory = taken(60 * MB)
        watch = dog(memory=80 * MB)
        for _ in range(2):
            start(lambda: memory[0])
        watch._looked -= 1000
        def refuse(pid, number):
            sys.exit("stopped")
        kill, reaper.kill = reaper.kill, refuse
        expect(watch.look(), "")
        reaper.kill = kill
    """,
    "files without a name count": """
        def body():
            file = tempfile.TemporaryFile()
            file.write(b"x" * 2 * MB)
            file.flush()
            return file
        start(body)
        watch = dog(room=MB)
        watch._files_looked -= 1
        expect(watch.look(), "more than 1 MB of files")
    """,
    "too many processes": """
        watch = dog(processes=2)
        for _ in range(2):
            start(os.getpid)
        expect(watch.look(), "")
        start(os.getpid)
        expect(watch.look(), "more than 2 processes")
    """,
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_what_is_too_much(scenario: str, tmp_path: Path) -> None:
    program = _BEGINNING + textwrap.indent(textwrap.dedent(scenario), "    ") + _END
    path = [entry for entry in sys.path if entry]
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{program}"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_less_is_left_the_sooner_is_the_next_look() -> None:
    pauses = [watchdog.pause(left) for left in (2**30, 2**28, 2**26, 0, -(2**20))]
    assert pauses == sorted(pauses, reverse=True)
    assert pauses[0] == watchdog.PERIOD
    assert pauses[1] > pauses[2] > pauses[3] == pauses[4] > 0
    assert pauses[2] * 4 * 2**30 < 2**26, "at 4 GB a second less is taken than is left"
