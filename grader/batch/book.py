"""The grade book: one SQLite file, in which every grade is safe as soon as it is there. Start at `Book`.

Every change is one transaction with a rollback journal, so a batch may be killed at any moment and whoever opens the
book next finds what was complete. (A write-ahead log would be faster for many writers; this way the book is one file
that can be copied, and it works on network file systems.) Several batches may use one book: SQLite keeps them apart,
and the first of two equal grades stays. A book of an earlier version is brought up to this one when it is opened
(`grader.batch.schema`).
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from grader.batch import schema
from grader.batch.model import Result, Roll, Verdict
from grader.batch.packing import is_whole, pack, unpack
from grader.errors import UsageError

NAME = "grades.sqlite"
_WAIT_SECONDS = 30.0
_SAME_KEY = "sha256 = ? AND exercise = ? AND exercise_version = ? AND grader_version = ? AND options = ?"
_FINAL = frozenset(verdict.value for verdict in Verdict if verdict is not Verdict.ERROR)
DAMAGED = "its record in the grade book is damaged; the next batch grades it again"


class Key(NamedTuple):
    """What a grade depends on: the file's content, the exercise, the grader, the options."""

    sha256: str
    exercise: str
    exercise_version: str
    grader_version: str
    options: str


class Entry(NamedTuple):
    """A result in the book.

    `was` is the score that the same file had with another version of the exercise or the grader, if it had one;
    one that is not `current` is from such another version itself. `grader` is the version that has given it.
    """

    result: Result
    was: float | None
    current: bool
    grader: str


class Book:
    """The grade book in a folder. A context manager.

    Raises:
        UsageError: there is no room, no permission, or the file is something else; from every method.
    """

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        self.path = folder / NAME
        if not create and not self.path.is_file():
            raise UsageError(
                f"{folder} holds no grade book; make one with `grader batch … --output {folder}`"
            )
        with self._told():
            try:
                if create:
                    folder.mkdir(parents=True, exist_ok=True)
                    _make(self.path)
            except OSError as error:
                raise UsageError(
                    f"cannot make the folder {folder}: {error.strerror}; name another one with --output"
                ) from None
            self._connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                self._connection.execute("PRAGMA synchronous = FULL")
                schema.bring_up(self._connection, self.path)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> "Book":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def secret(self) -> bytes:
        """32 random bytes, the same as long as the book lives. Nothing that is shown to anybody may tell them."""
        with self._told():
            row = self._connection.execute(
                "SELECT value FROM settings WHERE key = ?", (schema.SECRET,)
            ).fetchone()
        if row is None:
            raise UsageError(f"{self.path} is damaged (it has lost its secret); put it aside and grade again")
        return bytes(row[0])

    def replace_secret(self, secret: bytes) -> bytes:
        """Keep another secret from now on, and return it."""
        with self._told(), schema.transaction(self._connection) as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (schema.SECRET, secret))
        return secret

    def enter_roll(self, roll: Roll) -> None:
        """Note what a folder holds, in place of what it held before."""
        with self._told(), schema.transaction(self._connection) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO rolls VALUES (?, ?, ?)", (roll.folder, pack(roll), time.time_ns())
            )

    def forget_roll(self, roll: Roll) -> None:
        """Note nothing about that folder any more. The grades stay."""
        with self._told(), schema.transaction(self._connection) as connection:
            connection.execute("DELETE FROM rolls WHERE folder = ?", (roll.folder,))

    def rolls(self) -> tuple[Roll, ...]:
        """The folders that were looked at, the last one last."""
        return tuple(roll for _, roll in self._read_rolls() if roll is not None)

    def damaged_rolls(self) -> tuple[str, ...]:
        """Folders of which nothing can be read any more. A batch over one notes anew what it holds."""
        return tuple(folder for folder, roll in self._read_rolls() if roll is None)

    def _read_rolls(self) -> Iterator[tuple[str, Roll | None]]:
        with self._told():
            rows = self._connection.execute("SELECT folder, roll FROM rolls ORDER BY seen, folder").fetchall()
        for folder, packed in rows:
            try:
                yield str(folder), unpack(packed, Roll, self.path)
            except UsageError:
                yield str(folder), None

    def enter(self, key: Key, result: Result) -> None:
        """Put a result into the book. An error never stands in for a grade, and gives way to one; so does damage."""
        row = (*key, result.verdict.value, result.score, pack(result), time.time())
        with self._told(), schema.transaction(self._connection) as connection:
            if self._final(key) is None:
                connection.execute(f"DELETE FROM grades WHERE {_SAME_KEY}", key)
            connection.execute(
                "INSERT OR IGNORE INTO grades (sha256, exercise, exercise_version, grader_version, options, "
                "verdict, score, result, graded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def has(self, key: Key) -> Verdict | None:
        """How the file came off, None if it has to be graded (again, after an error or if the record is damaged)."""
        with self._told():
            return self._final(key)

    def _final(self, key: Key) -> Verdict | None:
        query = f"SELECT verdict, result FROM grades WHERE {_SAME_KEY}"
        row = self._connection.execute(query, key).fetchone()
        if row is None or row[0] not in _FINAL or not is_whole(row[1]):
            return None
        return Verdict(row[0])

    def entry(self, key: Key) -> Entry | None:
        """The result of a file under this key; if there is none yet, the last one under another.

        A record that is damaged is an error, and costs no other one.
        """
        with self._told():
            rows = self._connection.execute(
                "SELECT id, exercise_version = ? AND grader_version = ? AND options = ? AS current, verdict, score "
                "FROM grades WHERE sha256 = ? AND exercise = ? ORDER BY current DESC, id DESC",
                (*key[2:], *key[:2]),
            ).fetchall()
            if not rows:
                return None
            number, current, *_ = rows[0]
            packed, grader = self._connection.execute(
                "SELECT result, grader_version FROM grades WHERE id = ?", (number,)
            ).fetchone()
        earlier = [
            score for _, _, verdict, score in rows[1:] if verdict in _FINAL and isinstance(score, float)
        ]
        was = earlier[0] if earlier else None
        try:
            result = unpack(packed, Result, self.path)
        except UsageError:
            result = Result(Verdict.ERROR, problem=DAMAGED)
        return Entry(result, was, bool(current), str(grader))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(f"{self.path}: {_reason(error)}") from None


def _make(path: Path) -> None:
    """Make the file, unless it is there: for its owner alone, as SQLite would not."""
    with suppress(OSError):  # SQLite tells what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _reason(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return f"{text}; make room and start again, what is graded is kept"
    if "locked" in text:
        return "another program keeps it locked; start again when that has ended"
    if "not a database" in text or "malformed" in text:
        return f"{text}; put it aside and grade again, or name another folder with --output"
    return f"{text}; check the folder, or name another one with --output"
