"""The terminal report, against golden files. `pytest tests/reports --update-golden` writes them anew."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import pytest
from reports import samples
from rich.cells import cell_len

from grader.core.verdict import Finding, Grade, WitnessStep
from grader.report import terminal, text, view
from grader.report.outcome import Outcome

ESCAPE = "\x1b"


def render(grade: Grade, width: int, *, encoding: str = "utf-8", show_all_steps: bool = False) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    printer = text.Printer(terminal.console(file, width), show_all_steps=show_all_steps)
    printer.grade(view.of_grade(grade, f"homework/{grade.submission}"))
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", samples.ALL)
def test_looks_as_before(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}-{width}.txt", render(samples.ALL[name](), width))


@pytest.mark.parametrize("name", samples.ALL)
def test_ascii_terminals_get_ascii(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}-80-ascii.txt", render(samples.ALL[name](), 80, encoding="ascii"))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", samples.ALL)
def test_fits_the_width(name: str, width: int, encoding: str) -> None:
    lines = render(samples.ALL[name](), width, encoding=encoding).splitlines()
    too_wide = [line for line in lines if cell_len(line) > width and "grader replay" not in line]
    assert too_wide == []
    assert not any(line.endswith(" ") for line in lines)


def test_a_command_line_is_never_wrapped() -> None:
    grade = samples.failing()
    token = grade.checks[1].findings[0].replay
    assert f"  grader replay {token} homework/counter.py" in render(grade, 40).splitlines()


def test_show_all_steps_leaves_nothing_out() -> None:
    short, full = render(samples.failing(), 80), render(samples.failing(), 80, show_all_steps=True)
    assert re.search(r"… \d+ more steps …", short)
    assert "more steps" not in full
    assert full.count("acquire lock") == short.count("acquire lock") + 6


class Terminal(io.StringIO):
    """A terminal that remembers what was written on it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "colourful"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_used_where_it_is_welcome(
    variables: dict[str, str], colourful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    file = Terminal()
    text.Printer(terminal.console(file, 80)).grade(view.of_grade(samples.failing()))
    assert (ESCAPE in file.getvalue()) is colourful


def test_a_pipe_gets_no_colour() -> None:
    assert ESCAPE not in render(samples.failing(), 80)


def test_colours_of_a_hostile_submission_are_ours() -> None:
    file = Terminal()
    text.Printer(terminal.console(file, 80)).grade(view.of_grade(samples.hostile()))
    without_ours = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", without_ours)


def test_a_table_of_several_files(golden: Callable[[str, str], None]) -> None:
    outcomes = [
        Outcome("alice/counter.py", 0, samples.passing()),
        Outcome("bob/counter.py", 1, samples.failing()),
        Outcome("missing.py", 2, error="missing.py does not exist"),
        Outcome("\x1b[2J.py", 1, samples.broken()),
    ]
    file = io.StringIO()
    text.Printer(terminal.console(file, 80)).table(outcomes)
    golden("table-80.txt", file.getvalue())


@dataclass(frozen=True)
class FakeReplay:
    """What `grader.grading.replay` gives."""

    finding: Finding | None
    steps: tuple[WitnessStep, ...]
    check: str = "loses no update in any order of the processes"
    processes: int = 2
    source: Sequence[str] = ()
    outcome: None = None


@pytest.mark.parametrize("failed", [True, False])
def test_a_replay_shows_all_of_the_schedule(failed: bool, golden: Callable[[str, str], None]) -> None:
    finding = samples.failing().checks[1].findings[0]
    file = io.StringIO()
    seen = FakeReplay(finding if failed else None, finding.steps)
    text.Printer(terminal.console(file, 80), show_all_steps=True).replay(seen, "homework/counter.py")
    golden(f"replay-{'failed' if failed else 'passed'}-80.txt", file.getvalue())


def test_no_points_and_no_checks_is_no_pass() -> None:
    empty = msgspec.structs.replace(samples.passing(), checks=())
    assert "✗ 0 of 0 points · no checks" in render(empty, 80)
