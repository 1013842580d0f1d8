"""The progress line: there on a terminal, gone at the end, and nowhere else."""

import io
from dataclasses import dataclass

import pytest

from grader.report.progress import ProgressLine


@dataclass(frozen=True)
class Progress:
    check: str
    executions: int


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(file: io.StringIO, *updates: Progress) -> str:
    with ProgressLine(file, "counter.py") as line:
        for update in updates:
            line.update(update)  # type: ignore[arg-type]
    return file.getvalue()


def test_it_is_shown_and_taken_away() -> None:
    text = shown(Terminal(), Progress("adds \x1b[2J one", 17))
    assert text == "\r\x1b[2Kcounter.py: adds \\x1b[2J one (17 orders)\r\x1b[2K"


def test_it_is_not_updated_too_often() -> None:
    assert shown(Terminal(), *[Progress("adds one", n) for n in range(1000)]).count("adds one") < 5


def test_it_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert shown(Terminal(), Progress("計" * 50, 0)) == f"\r\x1b[2Kcounter.py: {'計' * 3}\r\x1b[2K"


def test_it_stays_away_from_files_and_dumb_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(io.StringIO(), Progress("adds one", 1)) == ""
    monkeypatch.setenv("TERM", "dumb")
    assert shown(Terminal(), Progress("adds one", 1)) == ""


def test_a_grading_without_progress_writes_nothing() -> None:
    assert shown(Terminal()) == ""


def test_orders_that_may_be_left_are_asked_for_only_when_they_are_shown() -> None:
    asked: list[int] = []

    def left() -> int:
        asked.append(1)
        return 1234

    file = Terminal()
    with ProgressLine(file, "script.py") as line:
        for executions in range(1, 500):
            line.orders(executions, left)
    assert file.getvalue().startswith("\r\x1b[2Kscript.py: 1 order, about 1,234 left at least")
    assert len(asked) < 5


def test_where_nothing_is_known_of_orders_that_are_left_nothing_is_said() -> None:
    file = Terminal()
    with ProgressLine(file, "script.py") as line:
        line.orders(2_000, lambda: None)
    assert file.getvalue() == "\r\x1b[2Kscript.py: 2,000 orders\r\x1b[2K"
