"""The grade book: one SQLite file, in which every grade is safe as soon as it is there. Start at `Book`.

Every change is one transaction with a rollback journal, so a batch may be killed at any moment and whoever opens the
book next finds what was complete. (A write-ahead log would be faster for many writers; this way the book is one file
that can be copied, and it works on network file systems.) Several batches may use one book: SQLite keeps them apart,
and the first of two equal grades stays.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from grader.batch.model import Result, Roll, Verdict
from grader.batch.packing import pack, unpack
from grader.errors import UsageError

NAME = "grades.sqlite"
SCHEMA = 1
_APPLICATION = 0x67726462  # "grdb", in the header of the file
_WAIT_SECONDS = 30.0
_TABLES = """
CREATE TABLE rolls (folder TEXT PRIMARY KEY, roll BLOB NOT NULL, seen INTEGER NOT NULL);
CREATE TABLE grades (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL, exercise TEXT NOT NULL,
    exercise_version TEXT NOT NULL, grader_version TEXT NOT NULL, options TEXT NOT NULL,
    verdict TEXT NOT NULL, score REAL NOT NULL, result BLOB NOT NULL, graded_at REAL NOT NULL,
    UNIQUE (sha256, exercise, exercise_version, grader_version, options)
);
"""


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
    one that is not `current` is from such another version itself.
    """

    result: Result
    was: float | None
    current: bool


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
            except OSError as error:
                raise UsageError(
                    f"cannot make the folder {folder}: {error.strerror}; name another one with --output"
                ) from None
            self._connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                self._connection.execute("PRAGMA synchronous = FULL")
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        with self._transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables == 0 and version == 0:
                for statement in _TABLES.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
            elif application != _APPLICATION:
                raise UsageError(f"{self.path} is not a grade book; name another folder with --output")
            elif version != SCHEMA:
                raise UsageError(
                    f"{self.path} is a grade book of version {version}, this grader knows version {SCHEMA}; "
                    "use the grader that made it, or begin in another folder"
                )

    def __enter__(self) -> "Book":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def enter_roll(self, roll: Roll) -> None:
        """Note what a folder holds, in place of what it held before."""
        with self._told(), self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO rolls VALUES (?, ?, ?)", (roll.folder, pack(roll), time.time_ns())
            )

    def forget_roll(self, roll: Roll) -> None:
        """Note nothing about that folder any more. The grades stay."""
        with self._told(), self._transaction() as connection:
            connection.execute("DELETE FROM rolls WHERE folder = ?", (roll.folder,))

    def rolls(self) -> tuple[Roll, ...]:
        """The folders that were looked at, the last one last."""
        with self._told():
            rows = self._connection.execute("SELECT roll FROM rolls ORDER BY seen, folder").fetchall()
        return tuple(unpack(row[0], Roll, self.path) for row in rows)

    def enter(self, key: Key, result: Result) -> None:
        """Put a result into the book. An error of ours never stands in for a grade, and gives way to one."""
        row = (*key, result.verdict.value, result.score, pack(result), time.time())
        with self._told(), self._transaction() as connection:
            connection.execute(
                "DELETE FROM grades WHERE sha256 = ? AND exercise = ? AND exercise_version = ? "
                "AND grader_version = ? AND options = ? AND verdict = 'error'",
                key,
            )
            connection.execute(
                "INSERT OR IGNORE INTO grades (sha256, exercise, exercise_version, grader_version, options, "
                "verdict, score, result, graded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def has(self, key: Key) -> Verdict | None:
        """How the file came off, None if it has to be graded (again, after an error of ours)."""
        with self._told():
            row = self._connection.execute(
                "SELECT verdict FROM grades WHERE sha256 = ? AND exercise = ? AND exercise_version = ? "
                "AND grader_version = ? AND options = ? AND verdict <> 'error'",
                key,
            ).fetchone()
        return Verdict(row[0]) if row else None

    def entry(self, key: Key) -> Entry | None:
        """The result of a file under this key; if there is none yet, the last one under another."""
        with self._told():
            rows = self._connection.execute(
                "SELECT id, exercise_version = ? AND grader_version = ? AND options = ? AS current, verdict, score "
                "FROM grades WHERE sha256 = ? AND exercise = ? ORDER BY current DESC, id DESC",
                (*key[2:], *key[:2]),
            ).fetchall()
            if not rows:
                return None
            number, current, *_ = rows[0]
            (packed,) = self._connection.execute(
                "SELECT result FROM grades WHERE id = ?", (number,)
            ).fetchone()
        earlier = [score for _, _, verdict, score in rows[1:] if verdict != Verdict.ERROR.value]
        return Entry(unpack(packed, Result, self.path), earlier[0] if earlier else None, bool(current))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(f"{self.path}: {_reason(error)}") from None


def _reason(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return f"{text}; make room and start again, what is graded is kept"
    if "locked" in text:
        return "another program keeps it locked; start again when that has ended"
    if "not a database" in text or "malformed" in text:
        return f"{text}; put it aside and grade again, or name another folder with --output"
    return f"{text}; check the folder, or name another one with --output"
