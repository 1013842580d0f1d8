"""Who has handed in nothing."""

from pathlib import Path

import pytest

from grader.batch import roster
from grader.batch.model import Student
from grader.errors import UsageError


def absent(tmp_path: Path, text: str, *handed: Student) -> tuple[list[str], list[str]]:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    missing, strangers = roster.compare(roster.read(path), handed)
    return [student.name for student in missing], [student.name for student in strangers]


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("name,sid\nZoë Doe,7\nBen,8\n", Student("k", "someone", sid="7")),
        ("\ufeffFirst Name;Last Name\nZoë;Doe\nBen;Bo\n", Student("k", "zoe doe")),
        (
            'Student,ID,SIS User ID\nPoints Possible,,\n"Doe, Zoë",7,x\nBen,8,y\n',
            Student("k", "doezoe", sid="7"),
        ),
        ('Student,Section\n"Doe, Zoë",1\nBen,1\n', Student("k", "doezoe")),
        ("Full name,Email address\nZoë Doe,z@x.org\nBen,b@x.org\n", Student("k", "other", email="Z@X.org")),
        ("identifier,github_username\nZoë Doe,zoe1\nBen,b1\n", Student("k", "zoe1", username="zoe1")),
        ("Zoë Doe\nBen\n", Student("k", "Doe, Zoe")),
        ("7,Zoë Doe,z@x.org\n8,Ben Bo,b@x.org\n", Student("k", "other", sid="7")),
        ("Doe,Zoë,7\nBen,Bo,8\n", Student("k", "Zoe Doe")),
        ("Class of 2026;;\n\nE-Mail;Nachname;Vorname\nz@x;Doe;Zoë\nb@x;Bo;Ben\n", Student("k", "Zoë Doe")),
        ("sep=;\r\nsid;name\r\n7;Doe, Zoë\r\n8;Ben\r\n", Student("k", "other", sid="7")),
        ("name,sid\nZoë Doe,7\nZoë Doe,7\nBen,8\n", Student("k", "Zoë Doe", sid="7")),
        ("name,sid\nZoë Doe,7\nBen,8\n", Student("k", "other", sid="007")),
    ],
)
def test_a_student_is_recognised(tmp_path: Path, text: str, here: Student) -> None:
    missing, strangers = absent(tmp_path, text, here)
    assert len(missing) == 1
    assert missing[0].startswith("Ben")
    assert strangers == []


def test_a_namesake_is_somebody_else(tmp_path: Path) -> None:
    text = "name,sid,email\nAnn,1,a@x.org\n"
    other = Student("k", "Ann", sid="2", email="b@x.org")
    assert absent(tmp_path, text, other) == (["Ann"], ["Ann"])
    assert absent(tmp_path, text, Student("k", "Ann", sid="1", email="b@x.org")) == ([], [])
    assert absent(tmp_path, text, Student("k", "Ann", sid="2")) == ([], [])


def test_two_of_one_name_are_nobody(tmp_path: Path) -> None:
    missing, strangers = absent(tmp_path, "name,sid\nAnn,1\nAnn,2\n", Student("k", "Ann"))
    assert (missing, strangers) == (["Ann", "Ann"], ["Ann"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_what_spreadsheets_write(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes("name\tsid\r\nZoë Doe\t7\r\n".encode(encoding))
    assert [(one.name, one.sid) for one in roster.read(path)] == [("Zoë Doe", "7")]


@pytest.mark.parametrize(
    ("text", "why"),
    [("name,sid\nDoe, Zoë,7\n", "needs quotes"), ('name,sid\n"Doe,7\nBen,8\n', "is not CSV")],
)
def test_a_roster_that_is_not_what_it_seems(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        absent(tmp_path, text)


@pytest.mark.parametrize("text", ["", "\n\n", "name,sid\n"])
def test_a_roster_that_names_nobody(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="names nobody"):
        absent(tmp_path, text)


def test_a_roster_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        roster.read(tmp_path / "x.csv")
