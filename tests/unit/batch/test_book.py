"""The grade book keeps what it was given, whoever is killed, and says in one line what is wrong."""

import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import old_book
import pytest

from grader.batch import schema
from grader.batch.book import NAME, Book, Key
from grader.batch.model import Result, Roll, Verdict, of_grade
from grader.batch.run import key_of
from grader.core.verdict import CheckResult, CheckStatus, Grade
from grader.errors import UsageError
from grader.report import sheet

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


@pytest.mark.parametrize("version", [-1, 0])
def test_a_book_without_a_version_is_none(tmp_path: Path, version: int) -> None:
    Book(tmp_path).__exit__(None, None, None)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(UsageError, match="is not a grade book"):
        Book(tmp_path)


def test_the_book_of_a_newer_grader(tmp_path: Path) -> None:
    Book(tmp_path).__exit__(None, None, None)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(UsageError, match=r"a newer grader \(version 99, this one knows 2\)") as raised:
        Book(tmp_path)
    assert "\n" not in str(raised.value)
    assert (tmp_path / NAME).read_bytes() == before


def test_the_secret_lives_as_long_as_the_book(tmp_path: Path) -> None:
    with Book(tmp_path / "a") as book:
        secret = book.secret()
        book.enter(KEY, result(1))
        assert book.secret() == secret
    with Book(tmp_path / "a") as again, Book(tmp_path / "b") as other:
        assert again.secret() == secret != other.secret()
        assert (len(secret), len(other.secret())) == (32, 32)


def test_a_book_without_its_secret_is_damaged(tmp_path: Path) -> None:
    Book(tmp_path).__exit__(None, None, None)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("DELETE FROM settings")
    connection.close()
    with Book(tmp_path) as book, pytest.raises(UsageError, match="has lost its secret"):
        book.secret()


def test_a_new_book_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Book(tmp_path) as book:
            assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def copy_of_old_book(folder: Path, mode: int = 0o644) -> Path:
    """A copy of a book of version 1."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(old_book.BOOK, folder / NAME)
    (folder / NAME).chmod(mode)
    return folder / NAME


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a book."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        names = ["rolls", "grades", "sqlite_sequence"]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_the_book_of_an_earlier_grader_loses_nothing_and_gets_a_secret(tmp_path: Path) -> None:
    path = copy_of_old_book(tmp_path)
    before = content(path)
    assert (version_of(path), [len(rows) for rows in before.values()]) == (1, [1, 6, 1])
    with Book(tmp_path, create=False) as book:
        secret = book.secret()
        (roll,) = book.rolls()
        entries = [book.entry(key_of(roll, handed)) for handed in roll.found.handed]
    assert (version_of(path), content(path)) == (2, before)
    with Book(tmp_path) as again:
        assert again.secret() == secret
    assert content(path) == before
    found = {
        (handed.exercise, handed.students[0].name): (entry.result.verdict.value, entry.current)
        for handed, entry in zip(roll.found.handed, entries)
        if entry is not None
    }
    assert found == {key: (verdict, True) for key, verdict in old_book.VERDICTS.items()}
    assert {entry.grader for entry in entries if entry is not None} == {
        "0.1.0+d0c8d1a9501ae522 (Python 3.11)"
    }
    assert [student.name for student in roll.absent] == ["Zoë"]
    assert not roll.free_runs


def test_two_old_books_get_two_secrets(tmp_path: Path) -> None:
    for name in "ab":
        copy_of_old_book(tmp_path / name)
    with Book(tmp_path / "a") as one, Book(tmp_path / "b") as other:
        assert one.secret() != other.secret()


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o640), (0o600, 0o600), (0o664, 0o660)], ids=oct)
def test_an_old_book_is_not_for_everybody_any_more(tmp_path: Path, before: int, after: int) -> None:
    path = copy_of_old_book(tmp_path, before)
    Book(tmp_path).__exit__(None, None, None)
    assert stat.S_IMODE(path.stat().st_mode) == after
    path.chmod(before)
    Book(tmp_path).__exit__(None, None, None)
    assert stat.S_IMODE(path.stat().st_mode) == before


def test_a_step_that_fails_leaves_the_book_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = schema.STEPS

    def breaks(connection: sqlite3.Connection) -> None:
        second(connection)
        connection.execute("DELETE FROM grades")
        raise KeyboardInterrupt

    path = copy_of_old_book(tmp_path)
    before = content(path)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "STEPS", (first, breaks))
        with pytest.raises(KeyboardInterrupt):
            Book(tmp_path)
    assert (version_of(path), content(path)) == (1, before)
    with Book(tmp_path) as book:
        assert len(book.secret()) == 32


def test_two_that_open_an_old_book_at_once_agree(tmp_path: Path) -> None:
    copy_of_old_book(tmp_path)
    script = (
        "import sys; from pathlib import Path; from grader.batch.book import Book\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"print(Book(Path({str(tmp_path)!r})).secret().hex())\n"
    )
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("\n")
        opener.stdin.flush()
    secrets = {opener.communicate()[0] for opener in openers}
    assert [len(secret) for secret in secrets] == [65]


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


def spoil(folder: Path, table: str, blob: bytes, where: str = "1") -> None:
    column = {"grades": "result", "rolls": "roll"}[table]
    with closing(sqlite3.connect(folder / NAME)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (blob,))


@pytest.mark.parametrize(
    "blob", [b"", b"rubbish", b"x\x9c\xabV\x00", "text", None.__class__.__name__.encode()]
)
def test_a_damaged_record_costs_its_own_row(tmp_path: Path, blob: bytes) -> None:
    other = KEY._replace(sha256="1" * 64)
    with Book(tmp_path) as book:
        book.enter(KEY, result(1))
        book.enter(other, result(1))
    spoil(tmp_path, "grades", blob, f"sha256 = '{KEY.sha256}'")
    with Book(tmp_path) as book:
        damaged, whole = book.entry(KEY), book.entry(other)
        assert damaged is not None
        assert damaged.result.verdict is Verdict.ERROR
        assert "damaged" in damaged.result.problem
        assert whole is not None
        assert whole.result == result(1)
        assert (book.has(KEY), book.has(other)) == (None, Verdict.PASSED)
        book.enter(KEY, result(0))
        assert book.has(KEY) is Verdict.FAILED
        again = book.entry(KEY)
    assert again is not None
    assert again.result == result(0)


def test_a_verdict_that_is_none_is_graded_again(tmp_path: Path) -> None:
    with Book(tmp_path) as book:
        book.enter(KEY, result(1))
    with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
        connection.execute("UPDATE grades SET verdict = 'excellent', score = 'many'")
    with Book(tmp_path) as book:
        assert book.has(KEY) is None
        entry = book.entry(KEY._replace(grader_version="g2"))
        assert entry is not None
        assert entry.was is None


def test_a_damaged_roll_costs_that_folder_and_the_others_are_reported(tmp_path: Path) -> None:
    with Book(tmp_path) as book:
        book.enter_roll(Roll("/x", "counter"))
        book.enter_roll(Roll("/y", "counter"))
    spoil(tmp_path, "rolls", b"rubbish", "folder = '/x'")
    with Book(tmp_path) as book:
        assert book.rolls() == (Roll("/y", "counter"),)
        assert book.damaged_rolls() == ("/x",)
        assert sheet.read(book).damaged == ("/x",)
        book.enter_roll(Roll("/x", "counter"))
        assert book.damaged_rolls() == ()
