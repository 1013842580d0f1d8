"""Reads a list of the class, and compares it with who has handed in. Start at `read` and `compare`.

Columns are recognised by the names that Canvas, Moodle, Gradescope and GitHub Classroom give them. Without a line of
such names, the first column of every line is a name.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.batch.model import Student
from grader.errors import UsageError

_COLUMNS = {
    "name": ("name", "student", "student name", "full name", "roster name"),
    "first": ("first name", "firstname", "given name"),
    "last": ("last name", "lastname", "surname", "family name"),
    "sid": (
        "sid",
        "id",
        "student id",
        "student number",
        "id number",
        "sis user id",
        "identifier",
        "matriculation",
    ),
    "email": ("email", "e-mail", "email address", "mail"),
    "username": ("username", "user", "login", "sis login id", "github_username", "github username"),
}
_SIZE_LIMIT = 16 * 2**20


def read(path: Path) -> tuple[Student, ...]:
    """The students of a roster.

    Raises:
        UsageError: it cannot be read, or names nobody.
    """
    rows = [row for row in _rows(path) if any(cell.strip() for cell in row)]
    if not rows:
        raise UsageError(f"{path} names nobody; a roster is a CSV file with a line for each student")
    heads = [cell.strip().casefold() for cell in rows[0]]
    known = any(head in names for head in heads for names in _COLUMNS.values())
    students = []
    for number, row in enumerate(rows[1:] if known else rows):
        student = _student(heads if known else ["name"], row, number)
        if student is not None:
            students.append(student)
    if not students:
        raise UsageError(f"{path} has column names, but names nobody")
    return tuple(students)


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
        if len(data) > _SIZE_LIMIT:
            raise UsageError(f"{path} is too large for a roster")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a CSV file with --roster") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UsageError(f"{path} is not CSV: {error}") from None


def _student(heads: Sequence[str], row: Sequence[str], number: int) -> Student | None:
    cells = {head: cell.strip() for head, cell in zip(heads, row) if cell.strip()}

    def cell(column: str) -> str:
        return next((cells[head] for head in _COLUMNS[column] if head in cells), "")

    whole = f"{cell('first')} {cell('last')}".strip()
    name, sid, email, username = cell("name") or whole, cell("sid"), cell("email"), cell("username")
    if name.casefold() in ("points possible", "student, test"):  # lines of Canvas's own
        return None
    if not (name or sid or email or username):
        return None
    return Student(f"roster:{number}", name or email or sid or username, sid, email, username)


def compare(
    roster: Sequence[Student], handed_in: Iterable[Student]
) -> tuple[tuple[Student, ...], tuple[Student, ...]]:
    """Who of the roster has handed in nothing, and who handed in and is not on it. Doubtful names match nobody."""
    rows: dict[str, set[int]] = {}
    for number, student in enumerate(roster):
        for key in _keys(student):
            rows.setdefault(key, set()).add(number)
    seen: set[int] = set()
    strangers = []
    for student in handed_in:
        matches = next((rows[key] for key in _keys(student) if len(rows.get(key, ())) == 1), None)
        if matches is None:
            strangers.append(student)
        else:
            seen |= matches
    return tuple(row for number, row in enumerate(roster) if number not in seen), tuple(strangers)


def _keys(student: Student) -> list[str]:
    """By what a student can be recognised, the surest first."""
    mail = student.email.casefold()
    keys = [f"sid:{student.sid.casefold()}"] if student.sid else []
    keys += [f"email:{mail}"] if mail else []
    keys += [f"user:{login}" for login in (student.username.casefold(), mail.partition("@")[0]) if login]
    words = _words(student.name)
    if words:
        keys += [f"name:{' '.join(sorted(words))}"]
        keys += [f"run:{''.join(words[turn:] + words[:turn])}" for turn in range(len(words))]
        keys += [
            f"user:{student.name.casefold()}",
            f"email:{student.name.casefold()}",
            f"sid:{student.name.casefold()}",
        ]
    return keys


def _words(name: str) -> list[str]:
    """The words of a name without case and accents: `Doe, Zoë` and `zoe doe` have the same ones."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.casefold())
