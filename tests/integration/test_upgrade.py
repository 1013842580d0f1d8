"""What an earlier grader has written is read by this one: its grade book, by `grader report` and `grader batch`."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import old_book
import pytest
from commands import grader

from grader.batch.book import NAME, Book

Submissions = dict[tuple[str, str], dict[str, Any]]


def submissions_of(output: Path) -> Submissions:
    """Every submission in `grades.json`, by exercise and student."""
    document = json.loads((output / "grades.json").read_text(encoding="utf-8"))
    return {
        (one["exercise"], student["student"]): one
        for student in document["students"]
        for one in student["submissions"]
    }


def scores_of(output: Path) -> dict[str, float]:
    with (output / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: float(row["score"]) for row in csv.DictReader(file)}


def grades_of(output: Path) -> list[tuple[Any, ...]]:
    """The grades in the book, oldest first."""
    with closing(sqlite3.connect(output / NAME)) as connection:
        return connection.execute("SELECT * FROM grades ORDER BY id").fetchall()


def test_a_report_on_an_old_book_says_who_gave_the_grades(tmp_path: Path) -> None:
    _, output = old_book.lay_out(tmp_path)
    before = grades_of(output)
    ran = grader("report", output)
    assert (ran.status, ran.err) == (1, "")
    assert f"6 of 6 submissions: graded by {old_book.GRADER}" in " ".join(ran.out.split())
    found = submissions_of(output)
    assert {key: one["verdict"] for key, one in found.items()} == old_book.VERDICTS
    assert {one["graded_by"] for one in found.values()} == {old_book.GRADER}
    assert scores_of(output) == old_book.SCORES
    told = f"graded by {old_book.GRADER}"
    texts = {path.name: path.read_text(encoding="utf-8") for path in output.rglob("*.*") if path.name != NAME}
    pages = [name for name in texts if name.endswith(".html")]
    assert len(pages) == 7
    assert all(told in texts[name] for name in pages)
    assert texts["grades.csv"].count(told) == 6
    page = json.loads(texts["ben-counter.json"])
    assert (page["schema"], page["graded_by"]) == ("grader/grade/v1", old_book.GRADER)
    assert page["checks"][1]["findings"]
    assert grades_of(output) == before


def test_a_token_on_a_page_of_an_old_book_is_refused(tmp_path: Path) -> None:
    submissions, output = old_book.lay_out(tmp_path)
    grader("report", output)
    page = json.loads((output / "submissions" / "ben-counter.json").read_text(encoding="utf-8"))
    (token,) = {f["replay"] for check in page["checks"] for f in check["findings"] if f["replay"]}
    ran = grader("replay", token, submissions / "ben" / "counter.py")
    assert (ran.status, ran.out) == (2, "")
    assert "check the file again" in ran.err


def test_a_batch_goes_on_with_an_old_book_and_loses_nothing(tmp_path: Path) -> None:
    submissions, output = old_book.lay_out(tmp_path)
    before = grades_of(output)
    ran = grader("batch", submissions, "--output", output)
    assert (ran.status, ran.told, ran.left) == (1, "", ())
    assert "6 graded now" in ran.out
    assert "graded by" not in ran.out
    # The roster and the options are those of the batch before.
    assert "1 student of the roster handed in nothing:\n  Zoë\n" in ran.out
    with Book(output, create=False) as book:
        (roll,) = book.rolls()
        secret = book.secret()
    assert not roll.free_runs
    assert len(secret) == 32
    after = grades_of(output)
    assert after[:6] == before
    assert len(after) == 12
    found = submissions_of(output)
    assert {key: one["verdict"] for key, one in found.items()} == old_book.VERDICTS
    assert not [one for one in found.values() if "graded_by" in one]
    assert {key[1]: one["previous_score"] for key, one in found.items()} == {
        "anna": 9.5,
        "ben": 1.0,
        "carl": 0.0,
        "dora": 2.0,
        "eva": 0.0,
    }
    assert "0 graded now" in grader("batch", submissions, "--output", output).out


def test_a_batch_over_another_folder_keeps_the_old_grades(tmp_path: Path) -> None:
    submissions, output = old_book.lay_out(tmp_path)
    (tmp_path / "more" / "finn").mkdir(parents=True)
    (tmp_path / "more" / "finn" / "consumer.py").write_bytes(b"x = 1\0\n")
    ran = grader("batch", tmp_path / "more", "--output", output)
    told = " ".join(ran.out.split())
    assert f"6 of 7 submissions: graded by {old_book.GRADER}" in told
    found = submissions_of(output)
    assert found["consumer", "finn"]["verdict"] == "unreadable"
    assert {key for key, one in found.items() if "graded_by" in one} == set(old_book.VERDICTS)
    index = (output / "index.html").read_text(encoding="utf-8")
    assert "Graded by another version of the grader" in index
    assert submissions.is_dir()


@pytest.mark.parametrize("command", ["report", "batch"])
def test_the_book_of_a_newer_grader_is_refused_in_one_line(tmp_path: Path, command: str) -> None:
    submissions, output = old_book.lay_out(tmp_path)
    with closing(sqlite3.connect(output / NAME)) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = (output / NAME).read_bytes()
    ran = grader(*(("report", output) if command == "report" else ("batch", submissions, "--output", output)))
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "is a grade book of a newer grader (version 7, this one knows 2)" in ran.err
    assert (output / NAME).read_bytes() == before
    assert not (output / "index.html").exists()


def test_a_file_that_is_no_book_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("no book at all, and long enough to have a header of a hundred bytes\n" * 9)
    ran = grader("report", tmp_path)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "not a database" in ran.err
