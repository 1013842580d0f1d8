"""Which levels there are for whom, and what is said about them."""

import os

import pytest

from grader.runtime.agent.cgroup import Part
from grader.runtime.sandbox import levels, plan
from grader.runtime.sandbox.levels import Isolation, Level

ALL_PARTS = tuple(Part)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv(levels.VARIABLE, raising=False)


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv(levels.VARIABLE, raising=False)


@pytest.mark.usefixtures("as_root")
def test_root_gives_up_its_identity_or_is_weak() -> None:
    assert levels.wanted() == (Level.NS, Level.UID, Level.WEAK)
    with pytest.raises(plan.NotHere, match="identity of root"):
        plan.isolation(Level.LANDLOCK)


@pytest.mark.usefixtures("as_user")
def test_a_user_has_no_other_identity() -> None:
    assert levels.wanted() == (Level.NS, Level.LANDLOCK, Level.WEAK)
    with pytest.raises(plan.NotHere, match="only root"):
        plan.isolation(Level.UID)


@pytest.mark.parametrize("parts", [(), ALL_PARTS])
def test_weak_is_never_enough_whatever_cgroups_hold(parts: tuple[Part, ...]) -> None:
    weak = Isolation(Level.WEAK, landlock=7, seccomp=True, root=True, cgroup=parts)
    assert not weak.sufficient
    assert not weak.limits_processes
    assert weak.missing[-1].startswith("it runs as root")
    assert ("whose number of processes nothing limits" in weak.missing[-1]) == (not parts)


def test_what_a_cgroup_holds_stands_in_the_line() -> None:
    isolation = Isolation(Level.NS, landlock=7, seccomp=True, cgroup=(Part.PIDS, Part.MEMORY))
    assert isolation.line == "NS (namespaces, landlock ABI 7, seccomp, cgroup: pids memory, limits)"


def test_open_sockets_are_listed_where_they_can_be_reached() -> None:
    assert (
        "if everybody may write to their socket" in Isolation(Level.UID, landlock=7, seccomp=True).missing[0]
    )
    assert not Isolation(Level.NS, landlock=7, seccomp=True).missing


@pytest.mark.parametrize(
    ("level", "parts", "limited"),
    [
        (Level.NS, (), True),
        (Level.UID, (), True),
        (Level.LANDLOCK, (), False),
        (Level.LANDLOCK, (Part.PIDS,), True),
        (Level.OFF, (), False),
    ],
)
def test_where_the_kernel_limits_processes(level: Level, parts: tuple[Part, ...], limited: bool) -> None:
    assert Isolation(level, cgroup=parts).limits_processes == limited
