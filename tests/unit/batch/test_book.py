"""The grade book keeps what it was given, whoever is killed, and says in one line what is wrong."""

import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from grader.batch.book import NAME, Book, Key
from grader.batch.model import Result, Roll, Verdict, of_grade
from grader.core.verdict import CheckResult, CheckStatus, Grade
from grader.errors import UsageError

KEY = Key("0" * 64, "counter", "e1", "g1", "")


def result(score: float, message: str = "") -> Result:
    status = CheckStatus.PASSED if score == 1 else CheckStatus.FAILED
    check = CheckResult("c", "c", "f", status, score, 1.0, reason=message)
    return of_grade(Grade("counter.py", "0" * 64, "counter", (check,), 0.1))


def test_what_is_entered_is_there(tmp_path: Path) -> None:
    with Book(tmp_path / "new" / "grades") as book:
        assert book.has(KEY) is None
        book.enter(KEY, result(0))
        book.enter_roll(Roll("/x", "counter"))
    with Book(tmp_path / "new" / "grades", create=False) as book:
        assert book.has(KEY) is Verdict.FAILED
        entry = book.entry(KEY)
        assert entry is not None
        assert (entry.result, entry.was, entry.current) == (result(0), None, True)
        assert book.rolls() == (Roll("/x", "counter"),)


def test_half_a_surrogate_pair_does_no_harm(tmp_path: Path) -> None:
    with Book(tmp_path) as book:
        book.enter(KEY, result(0, "\ud800"))
        entry = book.entry(KEY)
    assert entry is not None
    assert entry.result == result(0, "?")


def test_another_version_is_another_grade_and_the_old_one_is_remembered(tmp_path: Path) -> None:
    changed = KEY._replace(exercise_version="e2")
    with Book(tmp_path) as book:
        book.enter(KEY, result(1))
        assert book.has(changed) is None
        old = book.entry(changed)
        assert old is not None
        assert (old.result.score, old.current) == (1, False)
        book.enter(changed, result(0))
        new = book.entry(changed)
        assert new is not None
        assert (new.result.score, new.was, new.current) == (0, 1, True)
        back = book.entry(KEY)
        assert back is not None
        assert (back.result.score, back.current) == (1, True)


def test_an_error_of_ours_gives_way_to_a_grade_and_a_grade_to_nothing(tmp_path: Path) -> None:
    with Book(tmp_path) as book:
        book.enter(KEY, Result(Verdict.ERROR, problem="x"))
        assert book.has(KEY) is None
        book.enter(KEY, result(1))
        book.enter(KEY, result(0))
        book.enter(KEY, Result(Verdict.ERROR, problem="x"))
        assert book.has(KEY) is Verdict.PASSED


def test_no_grade_book(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no grade book"):
        Book(tmp_path / "nothing", create=False)
    assert not (tmp_path / "nothing").exists()
    (tmp_path / NAME).write_bytes(b"something else, and long enough to be read as a header" * 50)
    with pytest.raises(UsageError, match="not a database"):
        Book(tmp_path)


def test_the_database_of_somebody_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("CREATE TABLE grades (x)")
    connection.close()
    with pytest.raises(UsageError, match="is not a grade book"):
        Book(tmp_path)


def test_the_book_of_another_version(tmp_path: Path) -> None:
    Book(tmp_path).__exit__(None, None, None)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageError, match="version 99"):
        Book(tmp_path)


def test_a_full_disk_is_one_clear_line_and_loses_nothing(tmp_path: Path) -> None:
    def no_more() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    script = (
        "import os, sys; from pathlib import Path; from grader.batch.book import Book, Key\n"
        "from grader.batch.model import Result, Verdict; from grader.errors import UsageError\n"
        f"book = Book(Path({str(tmp_path)!r})); n = 0\n"
        "try:\n"
        "    while True:\n"
        "        text = os.urandom(4000).hex()\n"
        "        book.enter(Key(str(n), 'counter', '', '', ''), Result(Verdict.FAILED, problem=text)); n += 1\n"
        "except UsageError as error:\n"
        "    print(n, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, preexec_fn=no_more, check=True
    )
    entered, _, message = done.stdout.partition(" ")
    assert "make room and start again" in message
    assert message.count("\n") == 1
    with Book(tmp_path) as book:
        known = [book.has(Key(str(n), "counter", "", "", "")) for n in range(int(entered) + 1)]
        book.enter(KEY, result(1))
    assert known == [Verdict.FAILED] * int(entered) + [None]


def test_two_writers_and_a_kill(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from grader.batch.book import Book, Key\n"
        "from grader.batch.model import Result, Verdict\n"
        f"book = Book(Path({str(tmp_path)!r}))\n"
        "for n in range(100_000):\n"
        "    book.enter(Key(sys.argv[1] + str(n), 'counter', '', '', ''), Result(Verdict.FAILED, problem='x' * n))\n"
        "    print(n, flush=True)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, who], stdout=subprocess.PIPE, text=True)
        for who in "ab"
    ]
    told = []
    for writer in writers:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < 20:
            pass
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        lines = [line for line in rest.splitlines() if line]
        told.append(int(lines[-2]) if len(lines) > 1 else 20)
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    with Book(tmp_path) as book:
        for who, last in zip("ab", told):
            assert all(book.has(Key(f"{who}{n}", "counter", "", "", "")) for n in range(last + 1))
