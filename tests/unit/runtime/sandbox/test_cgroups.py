"""Where cgroups may be made, found in folders that stand in for `/proc` and for the mounted trees."""

import errno
import os
from pathlib import Path

import pytest

from grader.runtime.agent.cgroup import Part
from grader.runtime.sandbox import cgroups
from grader.runtime.sandbox.cgroups import Subtree


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing here had been delegated by its owner: for whoever runs the tests, the judge is root."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)


class Machine:
    """A `/proc/self` and the trees that it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proc = folder / "proc"
        self.proc.mkdir()
        self._mounts = ["22 1 8:1 / / rw - ext4 /dev/sda1 rw", "not a line"]
        self._own = ["7:cpu:/elsewhere", "nothing"]

    def tree(self, name: str, path: str, *, controllers: str = "", version: int = 2, root: str = "/") -> Path:
        """Mount a tree; this process is at `path` in it."""
        mount = self.folder / name
        place = mount / os.path.relpath(path, root)
        place.mkdir(parents=True)
        kind = "cgroup2 none rw" if version > 1 else f"cgroup cgroup rw,{controllers}"
        shown = str(mount).replace(" ", "\\040")
        self._mounts.append(f"30 22 0:26 {root} {shown} rw,relatime shared:4 - {kind}")
        self._own.append(f"0::{path}" if version > 1 else f"5:{controllers}:{path}")
        if version > 1:
            (place / "cgroup.controllers").write_text(f"cpu {controllers}")
            (place / "cgroup.subtree_control").write_text("")
            (place / "cgroup.procs").write_text(f"{os.getpid()}\n")
        return place

    def find(self) -> cgroups.Found:
        """What is found here."""
        (self.proc / "cgroup").write_text("\n".join(self._own))
        (self.proc / "mountinfo").write_text("\n".join(self._mounts))
        return cgroups.find(self.proc)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_without_cgroups(machine: Machine) -> None:
    assert machine.find() == cgroups.Found(
        (), tuple(f"{part.value}: no tree of cgroups has it" for part in Part)
    )


def test_nothing_can_be_read(tmp_path: Path) -> None:
    assert not cgroups.find(tmp_path / "nowhere").subtrees


@pytest.mark.usefixtures("somebody")
def test_a_hybrid_machine_at_the_roots(machine: Machine) -> None:
    pids = machine.tree("my pids", "/", controllers="pids", version=1)
    memory = machine.tree("memory", "/", controllers="memory", version=1)
    unified = machine.tree("unified", "/")
    assert machine.find() == cgroups.Found(
        (
            Subtree(str(pids), 1, (Part.PIDS,)),
            Subtree(str(memory), 1, (Part.MEMORY,)),
            Subtree(str(unified), 2, (Part.KILL,)),
        )
    )


@pytest.mark.usefixtures("somebody")
def test_what_another_program_has_made_for_us_is_not_divided(machine: Machine) -> None:
    machine.tree("memory", "/service/job-1", controllers="memory", version=1)
    unified = machine.tree("unified", "/", controllers="pids")
    found = machine.find()
    assert found.subtrees == (Subtree(str(unified), 2, (Part.PIDS, Part.KILL)),)
    assert found.lacking == ("memory: the cgroup belongs to whoever has started the grader",)


@pytest.mark.usefixtures("somebody")
def test_the_root_of_a_container_is_its_own(machine: Machine) -> None:
    own = machine.tree("unified", "/docker/4711", root="/docker/4711", controllers="memory pids")
    assert machine.find().subtrees == (Subtree(str(own), 2, (Part.PIDS, Part.MEMORY, Part.KILL)),)
    assert (own / "cgroup.subtree_control").read_text() == "+memory"


@pytest.mark.usefixtures("somebody")
def test_what_lies_outside_of_the_mount_is_not_seen(machine: Machine) -> None:
    machine.tree("pids", "/", controllers="pids", version=1)
    machine._own[-1] = "5:pids:/../other"
    assert not machine.find().subtrees


def test_what_belongs_to_the_user_is_delegated(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    own = machine.tree("unified", "/user/session", controllers="pids")
    assert machine.find().lacking[0] == "pids: the cgroup belongs to whoever has started the grader"
    found = own.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: found or 4711)
    if not found:
        os.chown(own, 4711, 4711)
    assert machine.find().subtrees == (Subtree(str(own), 2, (Part.PIDS, Part.KILL)),)


class Kernel:
    """Refuses controllers in a cgroup that holds processes, and moves whoever asks for it."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.moved = ""

    def write(self, path: Path, text: str) -> None:
        """As `cgroups._write`."""
        if path.name == "cgroup.procs":
            self.moved = path.parent.name
            (self._base / "cgroup.procs").write_text("")
        elif (self._base / "cgroup.procs").read_text():
            raise OSError(errno.EBUSY, "Device or resource busy")
        else:
            with path.open("a") as file:
                file.write(text.replace("+", " "))


@pytest.mark.usefixtures("somebody")
def test_a_judge_that_is_alone_moves_to_a_leaf(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    base = machine.tree("unified", "/", controllers="memory pids")
    old = base / f"{cgroups.LEAF}1"
    old.mkdir()
    kernel = Kernel(base)
    monkeypatch.setattr(cgroups, "_write", kernel.write)
    expected = (Subtree(str(base), 2, (Part.PIDS, Part.MEMORY, Part.KILL)),)
    assert machine.find().subtrees == expected
    assert kernel.moved == f"{cgroups.LEAF}{os.getpid()}"
    assert not old.exists()
    machine._own[-1] = f"0::/{kernel.moved}"
    (base / kernel.moved / "cgroup.controllers").write_text("memory pids")
    assert machine.find().subtrees == expected, "as a worker that was born in the leaf sees it"


@pytest.mark.usefixtures("somebody")
def test_others_are_not_moved(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    base = machine.tree("unified", "/", controllers="memory pids")
    (base / "cgroup.procs").write_text(f"1\n{os.getpid()}\n")
    kernel = Kernel(base)
    monkeypatch.setattr(cgroups, "_write", kernel.write)
    found = machine.find()
    assert found.subtrees == (Subtree(str(base), 2, (Part.KILL,)),)
    assert found.lacking == (
        "pids: other processes are in the same cgroup",
        "memory: other processes are in the same cgroup",
    )
    assert not kernel.moved
