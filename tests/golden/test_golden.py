"""The golden records: all are there and readable, the command tells a difference, and a sample is as recorded.

That all of them are is for the command: `python -m tests.golden -j 2`.
"""

import shutil
import sys
from pathlib import Path

import pytest

from grader.core.verdict import Finding, FindingKind, Location
from grader.errors import UsageError
from grader.grading import catalogue
from grader.grading.check import grade
from grader.runtime.template import Template
from tests.golden import __main__ as command
from tests.golden import corpus, litmus, record, reports, stability
from tests.golden.files import FOLDER, PYTHON, REPORTS, Book, Record, lines_of
from tests.golden.record import SubmissionRecord, of_grade, of_problem, plain
from tests.golden.stability import steady
from tests.manifest import SUBMISSIONS, entries

SAMPLE = (
    "any/binary.py",
    "any/syntax_error.py",
    "consumer/wrong/stops_at_falsy.py",
    "counter/right/acquire_try_finally.py",
    "counter/wrong/never_released.py",
    "counter/wrong/two_locked_sections.py",
    "shared_value/wrong/array_no_lock.py",
)
"""Quick ones, with each kind of ending."""
MOST_BYTES = 3_000_000
SMALL = "litmus/account"


@pytest.fixture(scope="module")
def recorded() -> dict[str, Record]:
    return Book().records


def test_everything_has_a_record_and_every_record_is_of_something(recorded: dict[str, Record]) -> None:
    assert set(recorded) == set(command.known())
    listed = {entry.path for entry in entries()} - set(stability.LEFT_OUT)
    assert listed <= set(recorded)
    assert set(reports.SUBMISSIONS) <= set(corpus.submissions())


def test_what_is_left_out_is_there_and_has_a_reason() -> None:
    for name, why in stability.LEFT_OUT.items():
        assert (SUBMISSIONS / name).is_file()
        assert why.endswith(".")


def test_files_are_written_as_they_were_read(recorded: dict[str, Record], tmp_path: Path) -> None:
    Book(tmp_path).update(recorded)
    files = {path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == files
    assert all((tmp_path / path).read_bytes() == (FOLDER / path).read_bytes() for path in files)
    assert sum((FOLDER / path).stat().st_size for path in files) < MOST_BYTES


def test_nothing_of_this_machine_is_recorded() -> None:
    for path in FOLDER.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not [place for place in (str(record.ROOT), sys.prefix, sys.base_prefix) if f"{place}/" in text]


@pytest.mark.skipif(
    sys.version_info[:2] != PYTHON, reason="messages and lines differ between versions of Python"
)
@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_is_as_recorded(name: str, recorded: dict[str, Record], template: Template) -> None:
    assert lines_of(_now(name, template)) == lines_of(recorded[name])


def _now(name: str, template: Template) -> SubmissionRecord:
    try:
        submission = corpus.read(name)
    except UsageError as error:
        return of_problem(str(error))
    exercise = catalogue.resolve(Path(name), corpus.submissions()[name])
    return of_grade(grade(template, submission, exercise, corpus.OPTIONS))


@pytest.mark.parametrize("name", litmus.PROGRAMS)
def test_litmus_programs_count_as_recorded(name: str, recorded: dict[str, Record]) -> None:
    assert litmus.PROGRAMS[name]() == recorded[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the records, to be changed."""
    return Path(shutil.copytree(FOLDER, tmp_path / "records"))


def test_a_difference_is_shown_and_then_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "litmus.json"
    right = path.read_text(encoding="utf-8")
    (old,) = (line for line in right.splitlines() if f'"{SMALL}"' in line)
    path.write_text(right.replace(old, old.replace('"executions": ', '"executions": 99')), encoding="utf-8")
    arguments = ["--force", "--folder", str(folder), SMALL]
    assert command.main(arguments) == 1
    shown = capsys.readouterr().out
    assert f"== {SMALL}\n" in shown
    assert '-{"executions": 99' in shown
    assert "1 of 1 records differ" in shown
    assert command.main([*arguments, "--update"]) == 0
    assert path.read_text(encoding="utf-8") == right
    assert command.main(arguments) == 0


def test_what_is_gone_is_told_and_forgotten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = Book(folder)
    book.update({"litmus/no longer there": book.records[SMALL], f"{REPORTS}/old.txt": "old\n"})
    arguments = ["--force", "--folder", str(folder), "litmus/no longer there", "old.txt"]
    assert command.main(arguments) == 1
    assert "== litmus/no longer there: gone" in capsys.readouterr().out
    assert command.main([*arguments, "--update"]) == 0
    assert set(Book(folder).records) == set(command.known())


@pytest.mark.parametrize("arguments", [["no such record"], ["--jobs", "0"]])
def test_wrong_usage_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--force", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_another_version_of_python_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "PYTHON", (3, 1))
    assert command.main([SMALL]) == 2
    assert "the records are for Python 3.1;" in capsys.readouterr().err
    assert command.main([SMALL, "--force"]) == 0


def test_texts_are_the_same_each_time_and_not_long() -> None:
    assert plain(f"<x at 0x7f12ab34cd56> in {record.ROOT}/a.py") == "<x at 0x…> in a.py"
    assert plain(f"{sys.base_prefix}/lib/a.py") == "<python>/lib/a.py"
    long, other = plain("a" * 1_000), plain("a" * 999 + "b")
    assert len(long) < 500
    assert long != other


LOOPS = ["while first():", "    step()", "    while True:", "        a()", "        b()", "done()"]


@pytest.mark.parametrize("line", [1, 2, 4])
def test_where_a_busy_loop_was_is_told_by_its_lines(line: int) -> None:
    message = "P1 computes for 10 s in line {}, and goes on."
    finding = Finding(FindingKind.HANG, message.format(line), location=Location("a.py", line))
    assert steady(finding, LOOPS) == (message.replace("line {}", "the loop of lines 1-5"), 1)


def test_a_line_that_is_no_chance_is_kept() -> None:
    race, alone = (
        Finding(kind, message, location=Location("a.py", line))
        for kind, message, line in (
            (FindingKind.RACE, "lost in line 4.", 4),
            (FindingKind.HANG, "it computes for 10 s in line 6.", 6),
        )
    )
    assert steady(race, LOOPS) == (race.message, 4)
    assert steady(alone, LOOPS) == (alone.message, 6)
