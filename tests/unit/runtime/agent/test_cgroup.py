"""Cgroups: against a folder that stands in for the kernel's tree, and in a real one where it can be had."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grader.runtime.agent import cgroup, cgroup_check
from grader.runtime.agent.cgroup import Group, Part, Tree
from grader.runtime.agent.watchdog import Watchdog
from grader.runtime.sandbox import cgroups

FILES = (
    *("cgroup.procs", "cgroup.kill", "pids.max"),
    *("memory.max", "memory.swap.max", "memory.oom.group", "memory.events"),
    *("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control"),
)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a new folder has files, and goes away with them, as in the kernel's tree."""
    make, remove = os.mkdir, os.rmdir

    def mkdir(path: str, mode: int = 0o777) -> None:
        make(path, mode)
        for name in FILES:
            Path(path, name).touch()

    def rmdir(path: str) -> None:
        for name in FILES:
            Path(path, name).unlink()
        remove(path)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(os, "rmdir", rmdir)
    swaps = tmp_path / "swaps"
    swaps.write_text("Filename Type\n/dev/sda2 partition\n")
    monkeypatch.setattr(cgroup, "_SWAPS", str(swaps))
    return tmp_path


def described(folder: Path, version: int, *parts: Part) -> dict[str, Any]:
    return {"folder": str(folder), "version": version, "parts": [part.value for part in parts]}


def contents(folder: Path) -> dict[str, str]:
    return {name: text for name in FILES if (text := (folder / name).read_text())}


def test_limits_are_set_in_version_2(stand_in: Path) -> None:
    tree = Tree(described(stand_in, 2, Part.PIDS, Part.MEMORY, Part.KILL), "grader-a")
    group = Group([tree], 512, 2**30)
    limits = {"pids.max": "512", "memory.max": str(2**30), "memory.swap.max": "0", "memory.oom.group": "1"}
    assert contents(stand_in / "grader-a") == limits
    group.kill()
    assert contents(stand_in / "grader-a") == {**limits, "cgroup.kill": "1"}
    group.let_go()


def test_limits_are_set_in_version_1(stand_in: Path) -> None:
    Group([Tree(described(stand_in, 1, Part.MEMORY), "grader-a")], 512, 2**30).let_go()
    size = str(2**30)
    assert contents(stand_in / "grader-a") == {
        "memory.limit_in_bytes": size,
        "memory.memsw.limit_in_bytes": size,
    }


def test_a_limit_that_cannot_be_set_is_told(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "FILES", tuple(name for name in FILES if "swap" not in name))
    with pytest.raises(FileNotFoundError):
        Group([Tree(described(stand_in, 2, Part.MEMORY), "grader-a")], 512, 2**30)


def test_whoever_enters_writes_itself_and_keeps_nothing(stand_in: Path) -> None:
    before = os.listdir("/proc/self/fd")
    group = Group([Tree(described(stand_in, 2, Part.MEMORY, Part.KILL), "grader-a")], 1, 1)
    group.enter()
    assert (stand_in / "grader-a/cgroup.procs").read_text() == "0"
    assert os.listdir("/proc/self/fd") == before
    group.kill()
    assert not (stand_in / "grader-a/cgroup.kill").read_text()


@pytest.mark.parametrize(
    ("version", "file", "text"),
    [
        (2, "memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill {}\noom_group_kill 1\n"),
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"),
    ],
)
def test_the_kernels_kills_are_told_once(stand_in: Path, version: int, file: str, text: str) -> None:
    group = Group([Tree(described(stand_in, version, Part.MEMORY), "grader-a")], 1, 1)
    watchdog = Watchdog({"memory": 2**30, "processes": 512}, "", os.getuid(), group=group)
    events = stand_in / "grader-a" / file
    events.write_text(text.format(0))
    assert watchdog.look() == ""
    events.write_text(text.format(3))
    assert watchdog.look() == "more than 1024 MB of memory in all its processes together"
    assert watchdog.look() == ""
    events.write_text(text.format(4))
    assert watchdog.ended_by_kernel()
    group.let_go()


def test_what_belongs_to_nobody_is_removed(stand_in: Path) -> None:
    description = described(stand_in, 2, Part.KILL)
    held = Group([Tree(description, "grader-held")], 1, 1)
    Group([Tree(description, "grader-young")], 1, 1).let_go()
    Group([Tree(description, "grader-old")], 1, 1).let_go()
    os.mkdir(stand_in / "others")
    for name in ("grader-held", "grader-old", "others"):
        os.utime(stand_in / name, (0, 0))
    cgroup.remove_stale([description])
    assert {path.name for path in stand_in.iterdir() if path.is_dir()} == {
        "grader-held",
        "grader-young",
        "others",
    }
    held.let_go()


def test_without_the_kernels_kill_a_loop_kills_who_cannot_fork(stand_in: Path) -> None:
    tree = Tree(described(stand_in, 1, Part.PIDS), "grader-a")
    Group([tree], 512, 0).let_go()
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(36_000)"])
    (stand_in / "grader-a/cgroup.procs").write_text(f"{victim.pid}\n")
    tree.kill()
    assert victim.wait() == -9
    assert contents(stand_in / "grader-a")["pids.max"].startswith("0")


@pytest.fixture
def real() -> Iterator[dict[str, Any]]:
    """A plan with what this machine really has."""
    found = cgroups.find()
    if not found.subtrees:
        pytest.skip(f"no cgroups here: {found.lacking}")
    plan = {
        "cgroup": msgspec.json.decode(msgspec.json.encode(found.subtrees)),
        "name": f"grader-test-{os.getpid()}",
    }
    yield plan
    cgroup.remove(plan)


def test_what_is_said_to_hold_was_run_into(real: dict[str, Any]) -> None:
    held, lacking = cgroup_check.holding(real)
    assert held == real["cgroup"]
    assert not lacking
    assert not [tree.folder for tree in cgroup.trees(real) if os.path.exists(tree.folder)]


def test_what_does_not_hold_is_not_said_to(real: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Tree, processes: int, memory: int) -> None:
        os.mkdir(self.folder)

    monkeypatch.setattr(Tree, "make", nothing)
    monkeypatch.setattr(Group, "kill", lambda self: None)
    monkeypatch.setattr(cgroup_check, "_SECONDS", 0.2)
    held, lacking = cgroup_check.holding(real)
    assert not held
    assert len(lacking) == sum(len(description["parts"]) for description in real["cgroup"])


_RUNS_AWAY = """
import os, sys, time
sys.stdin.readline()
while True:
    os.setsid() if os.getpid() != os.getsid(0) else None
    if os.fork():
        os._exit(0)
    time.sleep(0.001)
"""


def test_a_chain_of_forks_does_not_escape(real: dict[str, Any]) -> None:
    trees = cgroup.trees(real)
    Group(trees, 4000, 2**30).let_go()
    reader, writer = os.pipe()
    runner = subprocess.Popen([sys.executable, "-c", _RUNS_AWAY], stdin=reader)
    for tree in trees:
        Path(tree.folder, "cgroup.procs").write_text(str(runner.pid))
    os.write(writer, b"\n")
    runner.wait()
    os.close(reader)
    os.close(writer)
    assert any(tree.members() for tree in trees)
    cgroup.remove(real)
    assert not [tree.folder for tree in trees if os.path.exists(tree.folder)]
