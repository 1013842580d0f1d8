"""`grader explore` on the programs in `tests/scripts`: what it finds out, and how it says so."""

import functools
import json
import math
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from commands import grader

from grader.core.execution import Budget
from grader.core.verdict import FindingKind, ScriptReport, Verdict
from grader.engine.explorer import explore
from grader.engine.strategies.dpor import Dpor
from grader.exploring.explore import Options, explore_script
from grader.exploring.script import load_script, open_script

pytestmark = pytest.mark.usefixtures("warm_programs")

SCRIPTS = Path(__file__).parents[1] / "scripts"


@functools.cache
def explored(name: str, *arguments: str, **options: Any) -> ScriptReport:
    """Everything about one of the programs; explored once, whichever tests look at it."""
    return now_explored(name, *arguments, **options)


def now_explored(name: str, *arguments: str, **options: Any) -> ScriptReport:
    return explore_script(
        load_script(SCRIPTS / f"{name}.py", arguments), Options(**{"seconds": math.inf, **options})
    )


def printed(report: ScriptReport) -> set[str]:
    """What `main` prints, over all outcomes."""
    return {outcome.stdout.get("main", "") for outcome in report.outcomes}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shared_value", {"Final value: 5\n"}),
        ("shared_counter", {"Counter: 5\n"}),
        ("pipeline", {""}),
        ("nested", {"4.0\n"}),
        ("lock_of_the_module_forked", {"2\n"}),
        ("pipe_hands_over", {"6\n"}),
        ("pipe_leaves_early", {"leaving\n"}),
    ],
)
def test_a_right_program_is_verified_with_one_outcome(name: str, said: set[str]) -> None:
    report = explored(name)
    assert (report.verdict, report.stopped) == (Verdict.VERIFIED, "exhausted")
    assert report.findings == ()
    assert len(report.outcomes) == 1
    assert set(report.outcomes[0].exit_codes.values()) == {0}
    assert printed(report) == said


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("unlocked", {FindingKind.RACE}),
        ("no_sentinel", {FindingKind.DEADLOCK}),
        ("philosophers", {FindingKind.DEADLOCK}),
        ("pipe_left_open", {FindingKind.DEADLOCK}),
        ("lock_of_the_module", {FindingKind.RACE}),
        ("no_guard", {FindingKind.CRASH}),
        ("assertion", {FindingKind.CRASH}),
    ],
)
def test_a_wrong_program_fails_with_a_witness(name: str, kinds: set[FindingKind]) -> None:
    report = explored(name)
    assert report.verdict is Verdict.FAILED
    assert {finding.kind for finding in report.findings} == kinds
    assert all(finding.steps and finding.replay for finding in report.findings)


def test_nobody_knows_whether_a_program_that_computes_for_long_ever_ends() -> None:
    report = explored("endless", cpu=1.0)
    assert report.verdict is Verdict.INCONCLUSIVE
    (finding,) = report.findings
    assert finding.kind is FindingKind.INCONCLUSIVE
    assert finding.location is not None
    assert finding.location.source == "while True:"
    assert "--cpu SECONDS" in finding.message


def test_every_lost_update_is_an_outcome() -> None:
    report = explored("lock_of_the_module")
    assert printed(report) == {"1\n", "2\n"}
    assert report.findings[0].schedule_dependent


def test_an_assertion_that_fails_in_some_orders_only() -> None:
    report = explored("assertion")
    codes = {outcome.exit_codes["main"] for outcome in report.outcomes}
    assert codes == {0, 1}
    (finding,) = report.findings
    assert finding.schedule_dependent
    assert "AssertionError" in finding.message


def test_a_deadline_may_pass_at_any_moment_or_not_at_all() -> None:
    assert "[0, 0]\n" in printed(explored("barrier_and_deadline"))


def test_a_missing_main_guard_is_what_python_says_it_is() -> None:
    (finding,) = explored("no_guard").findings
    assert "main" in finding.help
    assert finding.failure is not None
    assert finding.failure.type == "RuntimeError"


def test_data_races_are_a_warning_where_every_order_comes_out_the_same() -> None:
    report = explored("flag")
    assert report.verdict is Verdict.VERIFIED
    found = {(race.object, tuple(place.line for place in race.locations)) for race in report.warnings}
    assert found == {("flag", (7, 14)), ("data", (9, 13))}


def test_synchronised_accesses_are_no_data_race() -> None:
    assert explored("shared_counter").warnings == ()
    assert [race.object for race in explored("unlocked").warnings] == ["counter"]


def test_arguments_reach_the_program() -> None:
    assert printed(explored("order_of_results", "2", "--sorted")) == {"[0, 1]\n"}
    assert printed(explored("order_of_results", "2")) == {"[0, 1]\n", "[1, 0]\n"}


@pytest.mark.parametrize(("name", "said"), [("writes_a_file", "for writing"), ("alone", "only one order")])
def test_what_cannot_be_judged_is_said(name: str, said: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    report = now_explored(name)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert said in report.findings[0].message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        {"executions": 3},
        {"preemptions": 1, "executions": 20},
        {"strategy": "random", "executions": 20},
        {"strategy": "pct", "executions": 20},
    ],
    ids=str,
)
def test_what_was_not_exhausted_is_never_called_verified(options: dict[str, Any]) -> None:
    report = explored("nested", **options)
    assert report.verdict is Verdict.BOUNDED


def test_the_same_seed_gives_the_same_report() -> None:
    def once() -> ScriptReport:
        report = now_explored("unlocked", strategy="random", executions=15, seed=3)
        return msgspec.structs.replace(report, seconds=0.0)

    assert once() == once()


class Place(msgspec.Struct, forbid_unknown_fields=True):
    file: str
    line: int
    source: str


class OutcomeEntry(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    count: int
    exit_codes: dict[str, int]
    stdout: dict[str, str]
    failures: dict[str, str]
    replay: str


class Warned(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["data-race"]
    object: str
    accesses: list[Literal["read", "write"]]
    locations: list[Place]


class Document(msgspec.Struct, forbid_unknown_fields=True):
    schema: Literal["grader/exploration/v1"]
    script: str
    sha256: str
    verdict: Literal["verified", "bounded", "failed", "inconclusive"]
    executions: int
    traces: int
    stopped: str
    processes: int
    identical_processes: list[int]
    threads: bool
    seconds: float
    outcomes: list[OutcomeEntry]
    more_outcomes: int
    findings: list[dict[str, Any]]
    warnings: list[Warned]
    grader_version: str
    python_version: str
    sandbox: str
    unprotected: list[str]


def test_the_documented_json_and_its_tokens(tmp_path: Path) -> None:
    path = str(SCRIPTS / "no_sentinel.py")
    ran = grader("explore", path, "--format", "json", cwd=tmp_path)
    document = msgspec.json.decode(ran.out, type=Document)
    assert (ran.status, document.verdict, document.traces) == (1, "failed", 1)
    assert [outcome.kind for outcome in document.outcomes] == ["deadlock"]
    assert document.sandbox == "OFF (limits only)"
    assert "files" in document.unprotected
    again = grader("replay", document.findings[0]["replay"], path, cwd=tmp_path)
    assert again.status == 1
    assert "this order still breaks it" in again.out
    shown = grader("replay", document.outcomes[0].replay, path, cwd=tmp_path)
    assert "Nobody can go on" in shown.out


def test_the_token_of_a_good_outcome_shows_how_it_comes_about(tmp_path: Path) -> None:
    path = str(SCRIPTS / "order_of_results.py")
    ran = grader("explore", path, "2", "--format", "json", cwd=tmp_path)
    outcomes = json.loads(ran.out)["outcomes"]
    assert len(outcomes) == 2
    for outcome in outcomes:
        shown = grader("replay", outcome["replay"], path, cwd=tmp_path)
        assert shown.status == 0
        assert outcome["stdout"]["main"].strip() in shown.out


def test_the_report_for_people(tmp_path: Path) -> None:
    ran = grader("explore", str(SCRIPTS / "shared_value.py"), cwd=tmp_path)
    assert ran.status == 0
    assert "✓ verified: it comes out the same in every order that matters" in ran.out
    ran = grader("explore", str(SCRIPTS / "unlocked.py"), "--executions", "30", cwd=tmp_path)
    assert ran.status == 1
    for words in (
        "✗ failed: race",
        "these steps clash",
        "grader replay",
        "data race: processes read and write counter",
    ):
        assert words in ran.out


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_what_is_no_program_is_one_line(name: str, tmp_path: Path) -> None:
    ran = grader("explore", name, cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1


def test_processes_of_a_program_are_used_again() -> None:
    with open_script(load_script(SCRIPTS / "shared_counter.py")) as program:
        made = explore(program, Dpor(), Budget(executions=3), lambda execution: True)
        assert made.executions == 3
        assert program.has_reused


REMEMBERING = {
    "a list of the module": ("seen = []", "seen.append(1); print(len(seen))"),
    "a number of the module": ("count = 0", "global count; count += 1; print(count)"),
    "a default argument": ("def note(seen=[]): seen.append(1); return len(seen)", "print(note())"),
    "an attribute of a function": ("def note(): pass", "note.n = getattr(note, 'n', 0) + 1; print(note.n)"),
    "a class": ("class Seen: n = 0", "Seen.n += 1; print(Seen.n)"),
    "a cache": (
        "import functools\n@functools.lru_cache\ndef f(x): return x",
        "f(1); print(f.cache_info().hits + f.cache_info().misses)",
    ),
    "a module of the library": ("import string", "string.n = getattr(string, 'n', 0) + 1; print(string.n)"),
    "the environment": (
        "import os",
        "os.environ['N'] = os.environ.get('N', '') + 'x'; print(os.environ['N'])",
    ),
    "a random number": ("import random", "print(random.random())"),
    "an argument": ("", "box.append(1); print(len(box))"),
    "a generator": ("numbers = iter(range(1000))", "print(next(numbers))"),
    "the time": ("import time", "time.sleep(1); print(time.monotonic() > 0, round(time.monotonic()))"),
}


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_process_that_is_used_again_remembers_nothing(name: str, tmp_path: Path) -> None:
    above, inside = REMEMBERING[name]
    source = f"""
from multiprocessing import Lock, Process, Value
{above}
def work(value, lock, box):
    with lock:
        value.value += 1
    {inside}
if __name__ == "__main__":
    value, lock = Value("i", 0), Lock()
    processes = [Process(target=work, args=(value, lock, []), name=f"no. {{i}}") for i in range(3)]
    for process in processes: process.start()
    for process in processes: process.join()
    print(value.value)
"""
    path = tmp_path / "program.py"
    path.write_text(source, encoding="utf-8")
    report = explore_script(load_script(path), Options(executions=12, seconds=math.inf))
    assert report.executions >= 6
    assert (len(report.outcomes) > 1) == bool(report.draws)  # only the random number has several
    assert bool(report.draws) == (name == "a random number")
    assert report.findings == ()
