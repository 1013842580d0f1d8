"""The solution of the counter with one thing wrong: which findings there are, and what help they give."""

import pytest

from grader.core.verdict import FindingKind
from tests.commands import corrected, solution
from tests.warm import Grader

SOLVED = solution("counter").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "statement", ["import os; os._exit(0)", "import sys; sys.exit(0)", "import sys; sys.exit(3)"]
)
def test_a_function_that_ends_its_process_does_not_pass(statement: str, graded: Grader) -> None:
    seen = graded(corrected(SOLVED, "counter.value += 1", f"counter.value += 1\n    {statement}"))
    assert [finding.kind for check in seen.checks for finding in check.findings] == [FindingKind.CRASH]
    assert not seen.passed


def test_an_empty_file_misses_everything(graded: Grader) -> None:
    kinds = {finding.kind for check in graded("").checks for finding in check.findings}
    assert kinds == {FindingKind.MISSING}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("input()", "keyboard"),
        ("increment_counter(counter, lock)", "calls itself"),
        ("sorted([1, None])", "cannot be sorted"),
    ],
)
def test_help_where_the_evidence_matches(line: str, words: str, graded: Grader) -> None:
    seen = graded(corrected(SOLVED, "    with lock:", f"    {line}\n    with lock:"))
    assert words in seen.checks[0].findings[0].help
