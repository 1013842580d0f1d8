"""Reads a list of the class, and compares it with who has handed in. Start at `read` and `compare`.

Columns are recognised by the names that Canvas, Moodle, Gradescope and GitHub Classroom give them, in any order, below
a title or not. Without a line of such names it is guessed from what stands in a cell: a number, an address, a name.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from grader.batch.model import Student
from grader.errors import UsageError

_COLUMNS = {
    "name": ("name", "student", "student name", "full name", "roster name", "vollständiger name"),
    "first": ("first name", "firstname", "given name", "vorname", "prénom", "nombre"),
    "last": ("last name", "lastname", "surname", "family name", "nachname", "nom", "apellidos"),
    "sid": (
        "sid",
        "id",
        "student id",
        "student number",
        "id number",
        "sis user id",
        "identifier",
        "matriculation",
        "matrikelnummer",
        "id-nummer",
    ),
    "email": ("email", "e-mail", "email address", "e-mail address", "mail", "e-mail-adresse"),
    "username": ("username", "user", "login", "sis login id", "github_username", "github username"),
}
_SIZE_LIMIT = 16 * 2**20
_TITLE_LINES = 10
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read(path: Path) -> tuple[Student, ...]:
    """The students of a roster.

    Raises:
        UsageError: it cannot be read, or names nobody.
    """
    rows = [row for row in _rows(path) if any(cell.strip() for cell in row)]
    if not rows:
        raise UsageError(f"{path} names nobody; a roster is a CSV file with a line for each student")
    titles = next((place for place, row in enumerate(rows[:_TITLE_LINES]) if _is_heading(row)), None)
    heads = [] if titles is None else [cell.strip().casefold() for cell in rows[titles]]
    students: list[Student] = []
    certain: set[Student] = set()
    for row in rows if titles is None else rows[titles + 1 :]:
        if heads and any(cell.strip() for cell in row[len(heads) :]):
            raise UsageError(
                f"{path}: the line {','.join(row)!r} has more cells than there are columns; "
                "a cell with a comma in it needs quotes"
            )
        student = _student(heads or _guessed(row), row)
        if student is None or student in certain:
            continue
        students.append(student)
        if student.sid or student.email or student.username:  # otherwise two may have the same name
            certain.add(student)
    if not students:
        raise UsageError(f"{path} has column names, but names nobody")
    return tuple(
        msgspec.structs.replace(student, key=f"roster:{number}") for number, student in enumerate(students)
    )


def _is_heading(row: Sequence[str]) -> bool:
    return any(cell.strip().casefold() in names for cell in row for names in _COLUMNS.values())


def _guessed(row: Sequence[str]) -> list[str]:
    """What the cells of a line hold, where no line says so. Two cells of letters are both names."""
    heads: list[str] = []
    for cell in row:
        named = [head for head in ("first name", "last name") if head not in heads]
        if "@" in cell:
            heads.append("email")
        elif any(c.isdigit() for c in cell):
            heads.append("sid" if "sid" not in heads else "")
        else:
            heads.append(named[0] if cell.strip() and named else "")
    return heads


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
        if len(data) > _SIZE_LIMIT:
            raise UsageError(f"{path} is too large for a roster")
        text = data.decode("utf-16" if data[:2] in _UTF_16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a CSV file with --roster") from None
    text = text.replace("\0", "")
    told = re.match(r"(?i)sep=(.)\r?\n", text)  # as Excel writes it
    text = text[told.end() :] if told else text
    lines = text.splitlines()[:_TITLE_LINES]
    delimiter = told[1] if told else max(",;\t", key=lambda mark: sum(line.count(mark) for line in lines))
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path} is not CSV: {error}; save it as CSV again") from None


def _student(heads: Sequence[str], row: Sequence[str]) -> Student | None:
    cells = {head: cell.strip() for head, cell in zip(heads, row) if cell.strip()}

    def cell(column: str) -> str:
        return next((cells[head] for head in _COLUMNS[column] if head in cells), "")

    whole = f"{cell('first')} {cell('last')}".strip()
    name, sid, email, username = cell("name") or whole, cell("sid"), cell("email"), cell("username")
    if name.casefold() in ("points possible", "student, test"):  # lines of Canvas's own
        return None
    if not (name or sid or email or username):
        return None
    return Student("", name or email or sid or username, sid, email, username)


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
        keys = [key for key in _keys(student) if len(rows.get(key, ())) == 1]
        places = [place for key in keys for place in rows[key] if not _namesakes(student, roster[place])]
        if places:
            seen.add(places[0])
        else:
            strangers.append(student)
    return tuple(row for number, row in enumerate(roster) if number not in seen), tuple(strangers)


def _namesakes(one: Student, other: Student) -> bool:
    """Whether two have nothing but a name in common: number and address are known of both, and are different."""
    known = one.sid and other.sid and one.email and other.email
    ours, theirs = ({*_keys(Student("", "", student.sid, student.email))} for student in (one, other))
    return bool(known) and not ours & theirs


def _keys(student: Student) -> list[str]:
    """By what a student can be recognised, the surest first."""
    mail = student.email.casefold()
    keys = [f"sid:{student.sid.casefold()}"] if student.sid else []
    keys += (
        [f"number:{student.sid.lstrip('0')}"] if student.sid.isdecimal() else []
    )  # spreadsheets drop zeros
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
