"""How accurate the grader is: every right submission passes, and in every wrong one the mistake is named.

By default a fixed part of the corpus is graded; `--whole-corpus` takes all of it, which takes some minutes.
"""

from pathlib import Path

import pytest
from manifest import SUBMISSIONS, Entry, entries

from grader.core.verdict import FindingKind, Grade
from grader.errors import UsageError
from grader.grading import catalogue, tokens
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime.template import Template

ROOT = Path(__file__).resolve().parent.parent.parent
ONLY_FREE = frozenset({"counter/wrong/locks_if_grader_is_loaded.py"})
"""What only free runs can show: it is right as long as it is under control."""
SLOW = frozenset(
    {
        "consumer/right/drain_while_alive.py",
        "consumer/right/flag_loop.py",
        "consumer/right/get_nowait_polling.py",
        "consumer/right/get_timeout_retry.py",
        "consumer/right/put_timeout_retry.py",
        "consumer/right/wrapper_with_end_marker.py",
        "counter/right/broken_barrier_is_ignored.py",
        "shared_value/right/nonblocking_spin.py",
        "shared_value/right/typed_and_logged.py",
    }
)
"""Polling in a loop has many schedules: only graded with the whole corpus."""
WAITING = (SUBMISSIONS / "waiting_and_noise.txt").read_text(encoding="utf-8").splitlines()[1:]
"""Most of these are slow, too."""
QUICK = frozenset(
    {
        "counter/right/capped_backoff.py",
        "counter/right/deadline_of_two_hours.py",
        "counter/right/ticket_lock.py",
        "counter/wrong/deadline_then_without_lock.py",
        "counter/wrong/finite_backoff_generator.py",
        "counter/wrong/join_rounds_then_reads.py",
        "shared_value/right/one_hour_or_error.py",
        "shared_value/right/union_for_a_look.py",
        "shared_value/wrong/steps_back_in_turn.py",
        "consumer/right/envelopes.py",
        "consumer/right/journal_in_a_manager.py",
        "consumer/wrong/generator_of_seven_misses.py",
        "consumer/wrong/keeps_the_last_64.py",
    }
)
"""But not these."""


def usual(found: list[Entry]) -> set[str]:
    """What is graded by default: all of `any/`, some of the right and wrong ones, and every kind of finding."""
    slow = SLOW | {path.removeprefix("tests/submissions/") for path in WAITING}
    right = [entry.path for entry in found if "/right/" in entry.path and entry.path not in slow]
    wrong = [entry for entry in found if "/wrong/" in entry.path]
    kinds = {(entry.exercise, kind): entry.path for entry in reversed(wrong) for kind in entry.kinds[:1]}
    anything = [entry.path for entry in found if entry.path.startswith("any/")]
    return {*QUICK, *anything, *right[::15], *(entry.path for entry in wrong[::30]), *kinds.values()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "entry" not in metafunc.fixturenames:
        return
    found = entries()
    if not metafunc.config.getoption("--whole-corpus"):
        chosen = usual(found)
        found = [entry for entry in found if entry.path in chosen]
    metafunc.parametrize("entry", found, ids=lambda entry: entry.path)


def graded(template: Template, entry: Entry) -> Grade:
    submission = load(SUBMISSIONS / entry.path)
    exercise = catalogue.resolve(Path(entry.path), entry.exercise)
    return grade(template, submission, exercise, CheckOptions(free_runs=entry.path in ONLY_FREE))


def test_submission(entry: Entry, template: Template) -> None:
    if entry.kinds == ("usage",):
        with pytest.raises(UsageError):
            load(SUBMISSIONS / entry.path)
        return
    seen = graded(template, entry)
    findings = [finding for check in seen.checks for finding in check.findings]
    if entry.expect == "right":
        assert findings == []
        assert seen.passed
        return
    assert not seen.passed
    assert {finding.kind.value for finding in findings} & set(entry.kinds), [f.message for f in findings]
    assert FindingKind.INCONCLUSIVE not in {finding.kind for finding in findings}
    for finding in findings:
        shown = f"{finding.message}{finding.help}{finding.output}"
        assert finding.message
        assert str(ROOT) not in shown
        assert not finding.replay or tokens.decode(finding.replay).exercise == entry.exercise


def test_every_file_has_an_entry_and_every_entry_a_file() -> None:
    files = {str(path.relative_to(SUBMISSIONS)) for path in SUBMISSIONS.rglob("*.py")}
    listed = [entry.path for entry in entries()]
    assert len(listed) == len(set(listed))
    assert {path for path in files if not path.startswith("hostile/")} == set(listed)


def test_the_usual_part_has_every_kind_of_mistake() -> None:
    found = entries()
    chosen = usual(found)
    kinds = {kind for entry in found for kind in entry.kinds[:1]}
    assert kinds == {kind for entry in found if entry.path in chosen for kind in entry.kinds[:1]}
    assert len(chosen) < len(found) / 2
