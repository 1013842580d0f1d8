"""What a grade book consists of, as numbered steps from one version to the next. Start at `STEPS`.

The version stands in the file's header (`PRAGMA user_version`). Books of every version are somewhere, so a step is
never changed: what has to be otherwise is one step more. A new book goes through all of them.
"""

import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from grader.errors import UsageError

Step: TypeAlias = Callable[[sqlite3.Connection], None]

SECRET = "secret"
_SECRET_BYTES = 32
_APPLICATION = 0x67726462  # "grdb", in the header of the file


def _rolls_and_grades(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE rolls (folder TEXT PRIMARY KEY, roll BLOB NOT NULL, seen INTEGER NOT NULL)"
    )
    connection.execute(
        """CREATE TABLE grades (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            sha256 TEXT NOT NULL, exercise TEXT NOT NULL,
            exercise_version TEXT NOT NULL, grader_version TEXT NOT NULL, options TEXT NOT NULL,
            verdict TEXT NOT NULL, score REAL NOT NULL, result BLOB NOT NULL, graded_at REAL NOT NULL,
            UNIQUE (sha256, exercise, exercise_version, grader_version, options)
        )"""
    )


def _secret(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
    connection.execute("INSERT INTO settings VALUES (?, ?)", (SECRET, secrets.token_bytes(_SECRET_BYTES)))


STEPS: tuple[Step, ...] = (_rolls_and_grades, _secret)
"""Step number n, counted from 0, makes a book of version n one of version n + 1."""
VERSION = len(STEPS)


def bring_up(connection: sqlite3.Connection, path: Path) -> None:
    """Make the book at `path` one of this version; each step is a transaction, so it may be killed at any moment.

    Raises:
        UsageError: it is no grade book, or one of a newer grader.
    """
    version = -1
    while version < VERSION:
        with transaction(connection):
            version = _version(connection, path)
            if version < VERSION:
                _close_off(path)
                STEPS[version](connection)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {version + 1}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version: int
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables == 0 and version == 0:
        return 0
    if application != _APPLICATION or version < 1:
        raise UsageError(f"{path} is not a grade book; name another folder with --output")
    if version > VERSION:
        raise UsageError(
            f"{path} is a grade book of a newer grader (version {version}, this one knows {VERSION}); "
            "use the grader that made it, or begin in another folder"
        )
    return version


def _close_off(path: Path) -> None:
    """There will be a secret in it, so what is not for its owner's group is for nobody else."""
    with suppress(OSError):  # somebody else's: they have given us the right to write, and keep theirs
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~stat.S_IRWXO)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All that is done inside is done, or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
