"""Threads inside processes, on the programs in `tests/scripts/threads`: what can come out, and how it is told."""

import math
from pathlib import Path
from typing import Any

import pytest

from grader.core.verdict import FindingKind, ScriptReport, Verdict
from grader.exploring.explore import Options, explore_script
from grader.exploring.script import load_script

pytestmark = pytest.mark.usefixtures("warm_programs")

SCRIPTS = Path(__file__).parents[1] / "scripts" / "threads"


def explored(name: str, **options: Any) -> ScriptReport:
    return explore_script(load_script(SCRIPTS / f"{name}.py"), Options(**{"seconds": math.inf, **options}))


def printed(report: ScriptReport) -> set[tuple[tuple[str, str], ...]]:
    """What the tasks print, by their names, over all outcomes."""
    return {tuple(outcome.stdout.items()) for outcome in report.outcomes}


@pytest.mark.parametrize(
    ("name", "traces", "said"),
    [
        ("locked_counter", 2, {"main": "2 1 [False, False]\n"}),
        ("queue_of_threads", None, {"main": "[1, 2]\n"}),
        ("event", 2, {"main/waiter": "[1] waiter\n"}),
        ("own_excepthook", 1, {"main": "['ValueError', 'SystemExit']\n"}),
        ("recursive_lock_of_processes", 2, {"main": "2\n"}),
        ("semaphore_and_barrier", None, {"main": "through\n"}),
        ("dummy", None, {"main": "[0, 1] [0, 0]\n"}),
        ("subclass", 1, {"main": "3\n"}),
    ],
)
def test_a_right_program_comes_out_the_same(name: str, traces: int | None, said: dict[str, str]) -> None:
    report = explored(name, executions=100)
    assert report.findings == ()
    assert printed(report) == {tuple(said.items())}
    assert traces in (None, report.traces)


def test_what_threads_share_unseen_keeps_a_program_from_being_verified() -> None:
    report = explored("locked_counter")
    assert (report.verdict, report.stopped, report.threads) == (Verdict.BOUNDED, "exhausted", True)
    assert report.executions > report.traces


def test_two_locks_in_two_orders() -> None:
    report = explored("lock_inversion")
    (finding,) = report.findings
    assert (finding.kind, finding.schedule_dependent) == (FindingKind.DEADLOCK, True)
    assert "main/T1 waits for second (line 10), which main/T2 has taken" in finding.message
    assert sorted((outcome.kind, outcome.count) for outcome in report.outcomes) == [
        ("completed", 2),
        ("deadlock", 1),
    ]


def test_a_switch_at_a_sleep_loses_an_update_of_a_plain_variable() -> None:
    report = explored("lost_update")
    (finding,) = report.findings
    assert finding.kind is FindingKind.RACE
    assert printed(report) == {(("main", "1\n"),), (("main", "2\n"),)}
    assert [step.operation for step in finding.steps if step.task == "main/T1"] == ["begin", "sleep", "end"]


def test_who_waits_for_a_thread_that_never_ends() -> None:
    (finding,) = explored("event_never_set").findings
    assert finding.kind is FindingKind.DEADLOCK
    assert "main/T1 waits for ready (line 9), and nobody wakes it up" in finding.message
    assert "main waits for main/T1 to end (at the end of the program)" in finding.message


def test_a_daemon_does_not_keep_the_program_from_ending() -> None:
    report = explored("daemon")
    assert {outcome.kind for outcome in report.outcomes} == {"completed"}
    assert printed(report) == {
        (("main", "done\n"),),
        (("main", "done\n"), ("main/T1", "waits\n")),
    }


def test_an_exception_that_nobody_looks_after_is_a_crash_of_the_thread_only() -> None:
    report = explored("exception")
    (finding,) = report.findings
    assert (finding.kind, finding.location and finding.location.line) == (FindingKind.CRASH, 7)
    assert finding.message == "main/T1 died in line 7 of ValueError: no such thing."
    (outcome,) = report.outcomes
    assert (outcome.exit_codes, outcome.stdout["main"]) == ({"main": 0}, "on\n")
    assert outcome.failures == {"main/T1": "ValueError: no such thing"}


def test_threads_of_a_child_put_into_one_buffer() -> None:
    report = explored("in_a_child")
    assert printed(report) == {(("main", "1 2\n0\n"),), (("main", "2 1\n0\n"),)}
    assert report.traces == 2


def test_a_fork_copies_a_lock_as_it_is() -> None:
    report = explored("fork_with_a_held_lock")
    assert sorted((outcome.kind, outcome.count) for outcome in report.outcomes) == [
        ("completed", 2),
        ("deadlock", 1),
    ]
    assert "main/T1/P1 waits for lock (line 10), which nobody gives back" in report.findings[0].message


def test_a_thread_can_end_its_process() -> None:
    report = explored("hard_exit")
    assert {outcome.exit_codes["main"] for outcome in report.outcomes} == {3}
    assert printed(report) <= {(), (("main", "main\n"),)}
    assert {"main\n", ""} == {outcome.stdout.get("main", "") for outcome in report.outcomes}


def test_a_timer_goes_off_or_not() -> None:
    assert printed(explored("timer")) == {(("main", "[]\n"),), (("main", "[1]\n"),)}


def test_a_join_with_a_limit_may_give_up() -> None:
    assert printed(explored("joins_in_time")) == {
        (("main", "False\nin time\n"),),
        (("main", "False\nlate\n"),),
    }


def test_a_loop_without_operations_cannot_be_judged() -> None:
    report = explored("spins")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "while other threads wait" in report.findings[0].message


def test_which_worker_of_an_executor_does_what_is_no_difference() -> None:
    report = explored("executor", executions=15)
    assert report.findings == ()
    assert printed(report) == {(("main", "[0, 1]\n"), ("a worker of the pool", "0\n1\n"))}
