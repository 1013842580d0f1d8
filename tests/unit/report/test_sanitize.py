"""Nothing that a student writes may rule the terminal or hide from the reader."""

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

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


def test_nothing_unprintable_is_shown_as_it_is() -> None:
    """Every character that Python's tables call a control, a format, a separator, or nothing at all."""
    hidden = [chr(code) for code in range(0x30000) if not chr(code).isprintable()]
    shown = "".join(sanitize.line(f"a{''.join(hidden[n : n + 100])}b") for n in range(0, len(hidden), 100))
    assert all(character.isprintable() for character in shown)


@pytest.mark.parametrize(
    "blank", ["\u2800", "\u3164", "\u115f", "\u1160", "\uffa0", "\U0001d159", "\u034f", "\ufe0f"]
)
def test_what_looks_like_nothing_is_shown(blank: str) -> None:
    assert sanitize.line(f"a{blank}b").startswith("a\\")


def test_marks_do_not_reach_out_of_their_text() -> None:
    assert sanitize.line("\u0338x") == "\u25cc\u0338x"
    assert sanitize.line("\u1112" + "\u1161" * 9) == "\u1112" + "\u1161" * 4
    assert sanitize.line("\ud55c\uae00") == "\ud55c\uae00"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(any_text, st.integers(20, 120))
def test_on_a_terminal_no_name_begins_a_line(text: str, columns: int) -> None:
    said = f"grader: {sanitize.line(text)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        first, *others = sanitize.hanging(said, Terminal()).split("\n")
    assert first.startswith("grader:")
    assert all(line.startswith("    ") for line in others)
    assert all(cell_len(line) <= columns for line in (first, *others))
    assert "".join("".join((first, *others)).split()) == "".join(said.split())
    assert sanitize.hanging(said, io.StringIO()) == said
