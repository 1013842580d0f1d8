"""The JSON report: exactly the documented keys and types, and always valid UTF-8."""

import io
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import pytest
from reports import samples

from grader import __version__
from grader.core.verdict import CheckStatus, EvidenceLevel, FindingKind, Grade
from grader.report import json_report
from grader.report.outcome import Outcome


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A schema in which every key is listed; those with a default may be missing."""


class Step(Strict):
    task: str
    operation: str
    object: str
    line: int
    value: str
    note: str = ""
    conflict: Literal[True, False] = False
    executed: Literal[True, False] = True
    repeats: Literal[True, False] = False
    state: dict[str, str] = {}


class Location(Strict):
    file: str
    line: int
    source: str


class Finding(Strict):
    kind: FindingKind
    schedule_dependent: bool
    processes: int
    message: str
    help: str
    location: Location | None
    replay: str
    steps: list[Step]
    expected: str = ""
    got: str = ""
    output: str = ""
    start: dict[str, str] = {}


class Evidence(Strict):
    level: EvidenceLevel
    processes: list[int]
    executions: int
    inputs: int = 0


class Check(Strict):
    name: str
    title: str
    function: str
    status: CheckStatus
    score: float
    max_score: float
    seconds: float
    evidence: Evidence | None
    findings: list[Finding]
    further_evidence: list[Evidence] = []
    reason: str = ""


class GradeEntry(Strict, tag_field="schema", tag="grader/grade/v1"):
    submission: str
    sha256: str
    exercise: str
    passed: bool
    score: float
    max_score: float
    seconds: float
    checks: list[Check]
    grader_version: str
    python_version: str
    path: str = ""
    sandbox: str = ""


class ErrorEntry(Strict, tag_field="schema", tag="grader/error/v1"):
    submission: str
    path: str
    error: str


def written(*outcomes: Outcome, encoding: str = "utf-8") -> bytes:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    json_report.write([json_report.entry(outcome) for outcome in outcomes], stream)
    stream.detach()
    return raw.getvalue()


def outcome_of(grade: Grade) -> Outcome:
    return Outcome(f"folder/{grade.submission}", 0 if grade.passed else 1, grade)


@pytest.mark.parametrize("name", samples.ALL)
def test_keys_and_types_are_as_documented(name: str) -> None:
    msgspec.json.decode(written(outcome_of(samples.ALL[name]())), type=GradeEntry)


@pytest.mark.parametrize("name", samples.ALL)
def test_content_is_as_before(name: str, golden: Callable[[str, str], None]) -> None:
    document = written(outcome_of(samples.ALL[name]())).decode("utf-8")
    document = re.sub(r'("(grader|python)_version": )"[^"]+"', r'\1"…"', document)
    golden(f"{name}.json", document)


def test_one_file_is_an_object_and_several_are_a_list() -> None:
    first, second = outcome_of(samples.passing()), Outcome("no.py", 2, error="no.py does not exist")
    assert json.loads(written(first))["grader_version"] == __version__
    entries = msgspec.json.decode(written(first, second), type=list[GradeEntry | ErrorEntry])
    assert entries[1] == ErrorEntry("no.py", "no.py", "no.py does not exist")


def test_the_strongest_evidence_is_the_evidence() -> None:
    check = json.loads(written(outcome_of(samples.passing())))["checks"][1]
    assert check["evidence"] == {"level": "verified", "processes": [1, 2, 3], "executions": 33}
    assert check["further_evidence"] == [{"level": "bounded", "processes": [5], "executions": 12_000}]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_hostile_text_is_kept_but_shows_nothing_invisible(encoding: str) -> None:
    document = written(outcome_of(samples.hostile()), encoding=encoding).decode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", document)
    message: Any = json.loads(document)["checks"][0]["findings"][0]["message"]
    assert message == samples.hostile().checks[0].findings[0].message.replace("\ud800", "\ufffd")
