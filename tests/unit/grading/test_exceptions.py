"""Exceptions in one line."""

import pytest

from grader.core.operations import Failure
from grader.grading.exceptions import sentence, told


@pytest.mark.parametrize(
    ("kind", "message", "text"),
    [
        ("ValueError", "no such thing", "ValueError: no such thing"),
        ("Empty", "", "queue.Empty: there was nothing on the queue"),
        ("Own", "", "Own"),
        ("Own", "  \n ", "Own"),
        ("RuntimeError", "\n   one\n   two  three\n\n  further", "RuntimeError: one two three"),
    ],
)
def test_one_line(kind: str, message: str, text: str) -> None:
    assert told(Failure(kind, message, 0, "")) == text


def test_a_long_text_is_cut_between_words() -> None:
    text = told(Failure("Own", "word " * 200, 0, ""))
    assert len(text) < 400
    assert text.endswith("word …")


def test_a_sentence_ends_once() -> None:
    assert [sentence(text) for text in ("so", "so.", "so …", "so?")] == ["so.", "so.", "so …", "so?"]


def test_a_class_may_have_any_name() -> None:
    assert told(Failure("Bad\n\n  \u2713 all passed", "text\n\nmore")) == "Bad \u2713 all passed: text"
