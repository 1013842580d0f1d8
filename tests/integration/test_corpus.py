"""How accurate the grader is: every right submission passes, and in every wrong one the mistake is named.

By default a part of the corpus is graded, mostly what costs little; `--whole-corpus` takes all of it. Whether anything
changes for any of them is for the golden records to tell: `python -m tests.golden -j 2`.
"""

import math
from pathlib import Path

import pytest
from manifest import SUBMISSIONS, Entry, entries

from grader.core.verdict import FindingKind, Grade
from grader.errors import UsageError
from grader.grading import catalogue, tokens
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import load
from grader.runtime.template import Template
from tests.golden.files import Book
from tests.golden.record import SubmissionRecord

ROOT = Path(__file__).resolve().parent.parent.parent
ONLY_FREE = frozenset({"counter/wrong/locks_if_grader_is_loaded.py"})
"""What only free runs can show: it is right as long as it is under control."""
CHOSEN = frozenset(
    {
        "any/byte_order_mark.py",
        "any/callable_objects.py",
        "any/latin_1_with_coding_line.py",
        "consumer/right/flag_loop.py",
        "consumer/wrong/generator_of_seven_misses.py",
        "counter/right/set_start_method_at_import.py",
        "counter/right/thousand_tries_then_error.py",
        "counter/wrong/deadline_then_without_lock.py",
        "counter/wrong/finite_backoff_generator.py",
        "counter/wrong/join_rounds_then_reads.py",
        "shared_value/right/value_with_this_lock.py",
        "shared_value/wrong/steps_back_in_turn.py",
    }
)
"""Texts and right programs of each sort, whatever they cost: all checks of a right one are made to their end."""
COMPUTES = "consumer/wrong/busy_loop.py"
"""The first of its kind, but it computes until it is given up; others of the kind do not."""
CHEAP = 150
EVERY = 12


def usual(found: list[Entry]) -> set[str]:
    """What is graded by default: the cheapest for each kind of mistake in each exercise, and some others."""
    cost = {**costs(), COMPUTES: CHEAP}
    cheap = [entry for entry in found if cost.get(entry.path, CHEAP) < CHEAP]
    wrong = sorted(
        (cost.get(entry.path, math.inf), entry.path, entry) for entry in found if "/wrong/" in entry.path
    )
    kinds = {(entry.exercise, kind): path for _, path, entry in reversed(wrong) for kind in entry.kinds[:1]}
    anything = [entry.path for entry in cheap if entry.path.startswith("any/")]
    some = [entry.path for entry in cheap if "/wrong/" in entry.path][::EVERY]
    return {*CHOSEN, *kinds.values(), *anything, *some}


def costs() -> dict[str, int]:
    """How many processes the checks of each submission have run in all orders, as far as the golden records know."""
    graded = {path: one for path, one in Book().records.items() if isinstance(one, SubmissionRecord)}
    evidence = {
        path: [e for check in one.checks.values() for e in check.evidence] for path, one in graded.items()
    }
    return {path: sum(e.executions * max(e.processes) for e in all_of) for path, all_of in evidence.items()}


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
        assert (seen.score, seen.max_score, seen.passed) == (10.0, 10.0, True)
        return
    assert not seen.passed
    assert {finding.kind.value for finding in findings} & set(entry.kinds), [f.message for f in findings]
    if entry.kinds != ("inconclusive",):
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
    assert {entry.exercise for entry in found if entry.path in chosen and entry.expect == "right"} == {
        entry.exercise for entry in found
    }
    assert chosen <= {entry.path for entry in found}
    assert len(chosen) < len(found) / 4
