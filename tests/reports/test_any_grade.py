"""Whatever a grade says, its reports are well-formed: nothing hidden, nothing too wide, always JSON."""

import io
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from grader.core.operations import Failure
from grader.core.verdict import CheckResult, Evidence, Finding, Grade, Location, WitnessStep
from grader.report import html, json_report, terminal, text, view

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
numbers = st.integers(0, 10**6)
scores = st.floats(0, 100, allow_nan=False)

locations = st.builds(Location, file=texts, line=numbers, source=texts)
steps = st.builds(
    WitnessStep,
    task=st.sampled_from(["main", "P1", "P2", "P3"]) | texts,
    operation=st.sampled_from(["read", "write"]) | texts,
    object=texts,
    line=numbers,
    value=texts,
    note=texts,
    conflict=st.booleans(),
    executed=st.booleans(),
    repeats=st.booleans(),
    source=texts,
    state=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
)
findings = st.builds(
    Finding,
    message=texts,
    processes=st.integers(0, 9),
    help=texts,
    location=st.none() | locations,
    expected=texts,
    got=texts,
    replay=texts,
    output=texts,
    failure=st.none() | st.builds(Failure, type=texts, message=texts, traceback=texts),
    steps=st.lists(steps, max_size=30).map(tuple),
    start=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
)
evidence = st.builds(
    Evidence,
    processes=st.lists(st.integers(1, 9), max_size=5).map(tuple),
    executions=numbers,
    inputs=st.just(0) | numbers,
)
checks = st.builds(
    CheckResult,
    name=texts,
    title=texts,
    function=texts,
    score=scores,
    max_score=scores,
    evidence=st.lists(evidence, max_size=3).map(tuple),
    findings=st.lists(findings, max_size=1).map(tuple),
    reason=texts,
)
grades = st.builds(
    Grade,
    submission=texts,
    sha256=texts,
    exercise=texts,
    checks=st.lists(checks, max_size=3).map(tuple),
    seconds=scores,
    source=st.lists(texts, max_size=5).map(tuple),
)
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@settings(max_examples=40, deadline=None)
@given(grades, st.sampled_from([40, 80, 120]), st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_text(grade: Grade, width: int, encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    text.Printer(terminal.console(file, width)).grade(view.of_grade(grade))
    file.flush()
    report = raw.getvalue().decode(encoding)
    assert not HIDDEN.search(report)
    for line in report.split("\n"):
        assert cell_len(line) <= width or "grader replay" in line


@settings(max_examples=40, deadline=None)
@given(grades)
def test_json(grade: Grade) -> None:
    file = io.StringIO()
    json_report.write([json_report.of_grade(grade)], file)
    document = file.getvalue()
    assert not HIDDEN.search(document)
    assert json.loads(document.encode("utf-8"))["schema"] == "grader/grade/v1"


@settings(max_examples=40, deadline=None)
@given(grades)
def test_html(grade: Grade) -> None:
    page = html.of_grade(view.of_grade(grade))
    assert not HIDDEN.search(page)
    page.encode("utf-8")
    assert page.count("<script>") == page.count("</script>") == 1
