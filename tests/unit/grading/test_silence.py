"""What is said of a process that announces nothing: with its line, and blaming nobody for what is not known."""

import pytest

from grader.core.execution import Outcome, OutcomeKind, Silence
from grader.grading.silence import hang, undecided
from grader.runtime import allowance


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "CHECK_SECONDS", 10.0)


def outcome(silence: Silence, seconds: float = 10.0, line: int = 7) -> Outcome:
    return Outcome(OutcomeKind.SILENT, 1, line, silence=silence, seconds=seconds)


def test_a_hang_says_how_long_it_was_waited_for_and_where() -> None:
    assert hang("P1", outcome(Silence.COMPUTES)) == (
        "P1 computes for 10 s in line 7, and goes on; the exercise needs microseconds."
    )


def test_a_loop_that_was_paid_for_before_is_not_said_to_have_taken_as_long_again() -> None:
    assert hang("P1", outcome(Silence.COMPUTES, 2.0)) == (
        "P1 computes in line 7 without coming to an end, as it has done for 10 s before."
    )


@pytest.mark.parametrize("silence", Silence)
def test_no_line_is_told_where_none_is_known(silence: Silence) -> None:
    told = outcome(silence, line=0)
    assert " line" not in hang("P1", told) + undecided("P1", told)


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (Silence.COMPUTES, "P1 computes for more than 60 s by itself in line 7. "),
        (Silence.COMPUTES, "`grader explore --cpu SECONDS`"),
        (Silence.WAITS, "P1 waits in line 7 for something outside of the program"),
        (Silence.HIDES, "P1 has taken away the grader's connection to it in line 7"),
        (Silence.STALLED, "P1 has done nothing for minutes in line 7"),
        (Silence.ENDED, "by itself or from outside, which cannot be told"),
        (Silence.REFUSED, "P1 gets no more processes in line 7"),
    ],
)
def test_what_cannot_be_judged_says_why(silence: Silence, words: str) -> None:
    assert words in undecided("P1", outcome(silence, 60.0))
