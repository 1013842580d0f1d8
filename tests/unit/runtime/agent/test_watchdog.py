"""Sums over all processes below one, which is a new and small interpreter each time: forks of a large one are large."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

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
            time.sleep(60)
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
    "files without a name count": """
        def body():
            file = tempfile.TemporaryFile()
            file.write(b"x" * 2 * MB)
            file.flush()
            return file
        start(body)
        watch = dog(room=MB)
        expect([watch.look() for _ in range(5)][-1], "more than 1 MB of files")
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
