"""What is said of the bombs: what was counted, and nothing where they were not set off."""

import os
from typing import Any

import pytest

from grader.report import sandbox_text
from grader.runtime.agent.cgroup import Part
from grader.runtime.free import During, FreeFailure, FreeReport, FreeStatus
from grader.runtime.sandbox import bombs
from grader.runtime.sandbox.bombs import Outcome, Tried
from grader.runtime.sandbox.levels import Isolation, Level
from grader.runtime.sandbox.selftest import SelfTest

NS = Isolation(Level.NS, landlock=7, seccomp=True)
MEMORY = 2**29


def tried(report: FreeReport, isolation: Isolation = NS) -> dict[str, Tried]:
    def perform(function: str, arguments: tuple[Any, ...]) -> FreeReport:
        return report

    found = bombs.tried(perform, os.getpid(), isolation, MEMORY)
    return {one.title: one for one in found}


def done(returned: int) -> FreeReport:
    return FreeReport(FreeStatus.DONE, returned=returned)


def test_enough_forks_were_tried() -> None:
    one = tried(done(1204))["start processes without end"]
    assert one.outcome is Outcome.STOPPED
    assert one.note.startswith("1204 forks tried, at most ")


def test_too_few_forks_tell_nothing() -> None:
    assert tried(done(999))["start processes without end"].outcome is Outcome.NOT_TRIED


def test_a_bomb_that_was_ended_before_tells_nothing() -> None:
    failure = FreeFailure("MemoryError", During.CALL, "more than 512 MB")
    one = tried(FreeReport(FreeStatus.ERROR, failure=failure))["start processes without end"]
    assert one.outcome is Outcome.NOT_TRIED
    assert one.note.startswith("it was ended before: more than 512 MB; ")


@pytest.mark.parametrize("report", [done(2000), FreeReport(FreeStatus.LOST)])
def test_too_many_processes_are_seen_from_outside(
    report: FreeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bombs.reaper, "descendants", lambda _: range(-600, 0))
    monkeypatch.setattr(bombs, "_PERIOD", 0.0)
    looks = bombs._Watch.__exit__

    def once_at_least(watch: Any, *error: object) -> None:
        while not watch.processes:
            pass
        looks(watch, *error)

    monkeypatch.setattr(bombs._Watch, "__exit__", once_at_least)
    assert tried(report)["start processes without end"].outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(("returned", "outcome"), [(1022, Outcome.SUCCEEDED), (500, Outcome.STOPPED)])
def test_memory_is_a_success_if_all_of_it_came(returned: int, outcome: Outcome) -> None:
    one = tried(done(returned))["use too much memory in all"]
    assert one.outcome is outcome
    assert one.note.startswith("14 processes wanted 1022 MB, 512 are allowed, at most ")


@pytest.mark.parametrize("level", [Level.LANDLOCK, Level.WEAK, Level.OFF])
def test_no_bomb_where_the_kernel_has_no_limit(level: Level) -> None:
    def perform(function: str, arguments: tuple[Any, ...]) -> FreeReport:
        raise AssertionError(function)

    found = list(bombs.tried(perform, os.getpid(), Isolation(level), MEMORY))
    assert [one.outcome for one in found] == [Outcome.NOT_TRIED, Outcome.NOT_TRIED]


def test_what_a_cgroup_does_not_hold_is_not_vouched_for() -> None:
    isolation = Isolation(
        Level.LANDLOCK, landlock=7, seccomp=True, cgroup=(Part.KILL,), lacking=("memory: not ours",)
    )
    found = tried(done(0), isolation)
    assert found["outlive its cgroup"].outcome is Outcome.STOPPED
    memory = found["have more memory than its cgroup may"]
    assert (memory.outcome, memory.note) == (Outcome.NOT_TRIED, "not ours")


def test_the_report_counts_what_was_not_tried() -> None:
    attacks = (
        Tried("read", Outcome.STOPPED),
        Tried("write", Outcome.SUCCEEDED),
        Tried("call", Outcome.SUCCEEDED, promised=False),
        Tried("bomb", Outcome.NOT_TRIED, note="no \x1blimit"),
    )
    report = SelfTest(NS, attacks)
    assert not report.passed
    assert list(sandbox_text.lines(report))[2:] == [
        "  stopped         read",
        "  NOT STOPPED     write",
        "  not protected   call",
        "  not tried       bomb   no \\x1blimit",
        "",
        "1 of 3 attacks stopped, 1 not tried; 1 should have been, this is a bug",
    ]
    assert SelfTest(NS, (attacks[0], *attacks[2:])).passed
