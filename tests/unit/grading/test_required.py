"""What has to be there before anything is checked, and what a student is told if it is not."""

import textwrap

import pytest

from grader.core.execution import Execution, Outcome, OutcomeKind, Silence
from grader.core.operations import Failure
from grader.core.verdict import Finding, FindingKind
from grader.grading.catalogue import Signature
from grader.grading.required import Required, stub_lines

FUNCTIONS = {
    "run_pipeline": Signature(("items", "consumers"), ("maxsize",), ("0",)),
    "producer": Signature(("queue", "items")),
}
FINE = ["ok", "ok", "ok"]


def required(source: str = "", answers: list[str] = FINE) -> Required:
    made = Required(FUNCTIONS, textwrap.dedent(source), "consumer.py")
    made.probed(answers)
    return made


def finding(source: str, answers: list[str] = FINE, function: str = "producer") -> Finding:
    obstacle = required(source, answers).obstacle(function)
    assert obstacle is not None
    return obstacle.finding


def test_each_function_is_called_with_and_without_its_optional_arguments() -> None:
    assert required().calls() == [("run_pipeline", 2), ("run_pipeline", 3), ("producer", 2)]


def test_nothing_stands_in_the_way_of_a_function_that_is_there() -> None:
    found = required("def producer(queue, items):\n    for item in items: queue.put(item)\n")
    assert found.obstacle("producer") is None
    assert found.obstacle("something else") is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("missing", "There is no function producer(queue, items) in this file."),
        ("not-callable", "it is not a function"),
        ("arguments", "cannot be called with the arguments it will get: producer(queue, items)"),
    ],
)
def test_what_is_missing_is_told_with_the_signature(answer: str, words: str) -> None:
    told = finding("x = 1", ["ok", "ok", answer])
    assert told.kind is FindingKind.MISSING
    assert words in told.message


def test_other_arguments_are_told_with_their_line() -> None:
    told = finding("x = 1\ndef producer(queue): pass\n", ["ok", "ok", "arguments"])
    assert told.location is not None
    assert told.location.line == 2
    assert told.help == "Line 2 defines producer(queue). The exercise asks for producer(queue, items)."


def test_one_of_two_ways_of_calling_is_enough_to_be_in_the_way() -> None:
    for answers in (["arguments", "ok", "ok"], ["ok", "arguments", "ok"]):
        told = finding("", answers, "run_pipeline")
        assert "run_pipeline(items, consumers, maxsize=0)" in told.message


def test_a_host_that_does_not_answer_is_no_missing_function() -> None:
    told = finding("def producer(queue, items): pass", ["lost"] * 3)
    assert told.kind is FindingKind.CRASH
    assert "no function" not in told.message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def Producer(queue, items): return 1", "`Producer` in line 1"),
        ("def prducer(queue, items): return 1", "`prducer` in line 1"),
        ("class Work:\n    def producer(queue, items): return 1", "line 2 is inside of something else"),
        ("def nothing_like_it(): return 1", ""),
        ("def run_pipeline(items): return 1", ""),
        ("def broken(:", ""),
    ],
)
def test_a_function_of_another_name_or_place_is_pointed_at(source: str, words: str) -> None:
    told = finding(source, ["ok", "ok", "missing"])
    assert words in told.help
    assert bool(words) == bool(told.help)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("pass", 2),
        ("...", 2),
        ('"""Documented."""', 2),
        ("raise NotImplementedError", 2),
        ('"""Documented."""\n    raise NotImplementedError("write it")', 3),
        ("return 1", 0),
        ("raise ValueError", 0),
        ("pass\n    queue.put(1)", 0),
        ("raise errors.NotImplementedError", 0),
    ],
)
def test_a_stub_is_a_body_that_does_nothing(body: str, line: int) -> None:
    source = f"def producer(queue, items):\n    {body}\n"
    assert stub_lines(source) == ({"producer": line} if line else {})
    obstacle = required(source).obstacle("producer")
    assert (obstacle is not None) == bool(line)
    if obstacle is not None:
        assert obstacle.finding.message == "producer is not written yet."
        assert obstacle.finding.location is not None
        assert obstacle.finding.location.line == line


def imported(
    outcome: OutcomeKind, failure: Failure | None = None, line: int = 0, detail: str = ""
) -> Finding:
    found = Required(FUNCTIONS, "one\ntwo\nthree\n", "consumer.py")
    ended = Outcome(outcome, 0, line, detail)
    found.not_imported(Execution((), (), ended, {}, {}, {}), failure)
    obstacle = found.obstacle("producer")
    assert obstacle is not None
    assert found.obstacle("run_pipeline") == obstacle
    assert obstacle.finding.kind is FindingKind.IMPORT_ERROR
    return obstacle.finding


def test_an_exception_at_import_is_told_with_its_line() -> None:
    told = imported(OutcomeKind.COMPLETED, Failure("NameError", "name 'x' is not defined", 2))
    assert told.message == "The file cannot be imported: NameError: name 'x' is not defined."
    assert told.location is not None
    assert (told.location.line, told.location.source) == (2, "two")


def test_the_line_of_a_syntax_error_is_taken_from_its_text() -> None:
    told = imported(OutcomeKind.COMPLETED, Failure("SyntaxError", "expected ':' (consumer.py, line 3)"))
    assert told.location is not None
    assert told.location.line == 3


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (OutcomeKind.COMPLETED, "ends the program"),
        (OutcomeKind.DEADLOCK, "never ends"),
        (OutcomeKind.HUNG, "never ends (line 2)"),
        (OutcomeKind.STEP_LIMIT, "never ends (line 2)"),
        (OutcomeKind.UNCONTROLLED, "uses threads"),
        (OutcomeKind.CRASHED, "cannot be imported: threads"),
    ],
)
def test_every_end_of_an_import_has_words(outcome: OutcomeKind, words: str) -> None:
    assert words in imported(outcome, line=2, detail="threads").message


@pytest.mark.parametrize("silence", [Silence.WAITS, Silence.HIDES, Silence.BUSY])
def test_an_import_that_only_waits_has_not_failed(silence: Silence) -> None:
    found = Required(FUNCTIONS, "one\ntwo\nthree\n", "consumer.py")
    found.not_imported(
        Execution((), (), Outcome(OutcomeKind.SILENT, 0, 2, silence=silence), {}, {}, {}), None
    )
    obstacle = found.obstacle("producer")
    assert obstacle is not None
    assert obstacle.finding.kind is FindingKind.INCONCLUSIVE
    assert obstacle.finding.location is not None
    assert obstacle.finding.location.line == 2


def test_a_process_that_does_not_answer_has_not_failed() -> None:
    found = Required(FUNCTIONS, "", "consumer.py")
    found.probed(["silent"] * len(found.calls()))
    obstacle = found.obstacle("producer")
    assert obstacle is not None
    assert obstacle.finding.kind is FindingKind.INCONCLUSIVE


def test_a_line_that_is_not_in_the_file_is_not_shown() -> None:
    assert imported(OutcomeKind.HUNG, line=77).location is None
