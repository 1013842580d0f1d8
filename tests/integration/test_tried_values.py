"""Many values and sizes are tried: what is wrong for some of them is found, named, and can be seen again."""

from pathlib import Path

import pytest
from manifest import SUBMISSIONS

from grader.core.verdict import CheckResult, CheckStatus, EvidenceLevel, FindingKind
from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.replay import replay
from grader.grading.submission import load
from grader.runtime.template import Template

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"


def checked(template: Template, path: Path, exercise: str) -> dict[str, CheckResult]:
    found = catalogue.resolve(path, exercise)
    checks = grade(template, load(path), found, CheckOptions(free_runs=False)).checks
    return {check.name: check for check in checks}


@pytest.mark.parametrize(
    ("path", "check", "kind", "message"),
    [
        (
            "counter/wrong/stops_at_a_million.py",
            "test_adds_one_to_any",
            FindingKind.WRONG_RESULT,
            "With Value('i', 1000000): counter should be 1000001 at the end, but it is 1000000.",
        ),
        (
            "counter/wrong/two_bytes.py",
            "test_adds_one_to_any",
            FindingKind.CRASH,
            "With Value('i', 1000000): P1 died in line 6 of OverflowError: int too big to convert.",
        ),
        (
            "shared_value/wrong/array_of_sixty_four.py",
            "test_array_of_every_size",
            FindingKind.WRONG_RESULT,
            "(65 items)): shared_array[64] should be 62 at the end, but it is 61.",
        ),
        (
            "shared_value/wrong/array_tail_without_lock.py",
            "test_long_array_loses_nothing",
            FindingKind.RACE,
            "With an array of 260 elements: shared_array[",
        ),
        (
            "consumer/wrong/at_most_four_consumers.py",
            "test_pipeline_passes_anything",
            FindingKind.NOT_CONCURRENT,
            "With more consumers than items: run_pipeline([5, 0, 5], 6) should start 7 processes, but it started 5.",
        ),
    ],
)
def test_the_input_is_named_and_the_failure_can_be_seen_again(
    template: Template, path: str, check: str, kind: FindingKind, message: str
) -> None:
    exercise = path.partition("/")[0]
    checks = checked(template, SUBMISSIONS / path, exercise)
    assert [name for name, found in checks.items() if found.status is CheckStatus.FAILED] == [check]
    (finding,) = checks[check].findings
    assert finding.kind is kind
    assert message in finding.message
    again = replay(finding.replay, SUBMISSIONS / path, exercise).finding
    assert again is not None
    assert (again.kind, again.message) == (finding.kind, finding.message)


def test_one_order_for_each_input_is_never_verified(template: Template) -> None:
    checks = checked(template, SOLUTIONS / "counter.py", "counter")
    (evidence,) = checks["test_adds_one_to_any"].evidence
    assert evidence.level is EvidenceLevel.BOUNDED
    assert evidence.inputs == evidence.executions > 5


def test_what_a_process_remembers_is_not_taken_for_what_a_new_one_does(
    template: Template, tmp_path: Path
) -> None:
    path = tmp_path / "counter.py"
    source = (SOLUTIONS / "counter.py").read_text(encoding="utf-8")
    head = "def increment_counter(counter, lock):\n"
    once = f"seen = []\n\n\n{head}    seen.append(counter)\n    assert all(one is counter for one in seen)\n"
    path.write_text(source.replace(head, once, 1), encoding="utf-8")
    assert checked(template, path, "counter")["test_adds_one_to_any"].status is CheckStatus.PASSED
