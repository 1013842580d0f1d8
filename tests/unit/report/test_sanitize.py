"""Nothing that a student writes may rule the terminal or hide from the reader."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.report import sanitize

INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]text[/red] :smile:", "plain [red]text[/red] :smile:"),
        ("Zähler 計数器 ✓", "Zähler 計数器 ✓"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b2J", r"\x9b2J"),
        ("a\nb\tc\rd\0", r"a\nb\tc\rd\x00"),
        ("\u202eesrever", r"\u202eesrever"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("lone \ud800 surrogate", r"lone \ud800 surrogate"),
        ("wide\u3000and\xa0hard", "wide and hard"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("x" * 410, "x" * 400 + "… (10 more characters)"),
    ],
)
def test_line(text: str, shown: str) -> None:
    assert sanitize.line(text) == shown


def test_source_keeps_its_indentation() -> None:
    assert sanitize.source("\t  x = 1\x07\r\n") == r"      x = 1\x07"


def test_a_block_is_bounded() -> None:
    assert sanitize.block("a\r\nb\nc\nd\n", lines=2) == ("a", "b", "… 2 more lines …")
    assert sanitize.block("a\n\nb\n") == ("a", "", "b")


@given(any_text)
def test_whatever_comes_is_harmless(text: str) -> None:
    for shown in (sanitize.line(text), sanitize.source(text), *sanitize.block(text)):
        assert not INVISIBLE.search(shown)
        assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
        shown.encode("utf-8")


@given(any_text)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    once = sanitize.line(text, limit=10_000)
    assert sanitize.line(once, limit=10_000) == once


@given(any_text)
def test_json_means_the_same_and_is_harmless(text: str) -> None:
    wanted = re.sub("[\ud800-\udfff]", "\ufffd", text)
    document = sanitize.escape_hidden(sanitize.json_text(json.dumps([text], ensure_ascii=False)))
    assert json.loads(document) == [wanted]
    assert not INVISIBLE.search(document)
