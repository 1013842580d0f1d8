"""Sweeping what is below a process, with and without somebody who is spared."""

import subprocess
import sys

import pytest
from commands import ROOT

_BEGIN = f"""\
import os, signal, sys, time
sys.path.insert(0, {str(ROOT)!r})
from grader.runtime.agent import reaper
reaper.become_reaper()
ready, done = os.pipe()
def child(body):
    pid = os.fork()
    if pid == 0:
        body()
        os._exit(0)
    return pid
def sleep_on():
    time.sleep(36_000)
def say():
    os.write(done, b"x")
def alive(pid):
    return os.path.exists(f"/proc/{{pid}}")
"""
_HOSTS = {
    "with a child that nobody has read": """
def host():
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child(lambda: None)
    say()
    sleep_on()
""",
    "that never stops to fork": """
def host():
    say()
    while True:
        child(sleep_on)
        time.sleep(0.0002)
""",
    "below which a chain runs away": """
def chain():
    while True:
        if os.fork():
            os._exit(0)
        os.setsid()
def host():
    child(chain)
    say()
    sleep_on()
""",
    "that is gone": """
def host():
    say()
""",
}


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", _BEGIN + code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("kind", _HOSTS)
def test_a_spared_process_and_nobody_below_it(kind: str) -> None:
    """The sweep ends, and when it does nobody is there but the host, which goes on."""
    end = """
one = child(host)
os.read(ready, 1)
time.sleep(0.05)
was_there = alive(one)
seen = []
resume = reaper.kill
def look(pid, number=signal.SIGKILL):
    if number == signal.SIGCONT:
        seen.extend(pid for pid in reaper.descendants(os.getpid(), [one]) if reaper.lives(pid))
    return resume(pid, number)
reaper.kill = look
reaper.sweep([one])
print(seen, alive(one) == was_there, reaper._state(str(one)) not in (b"T", b"t"))
reaper.sweep()
print(reaper.children(os.getpid()))
"""
    assert printed(_HOSTS[kind] + end).split("\n") == ["[] True True", "[]"]


def test_a_chain_of_many_generations_is_no_problem() -> None:
    """Deeper than functions may call themselves."""
    code = """
sys.setrecursionlimit(60)
def generation(left):
    while left:
        if os.fork():
            sleep_on()
        left -= 1
    say()
    sleep_on()
child(lambda: generation(100))
os.read(ready, 1)
print(len(reaper.descendants(os.getpid())))
reaper.sweep()
print(reaper.children(os.getpid()))
"""
    assert printed(code).split("\n") == ["101", "[]"]
