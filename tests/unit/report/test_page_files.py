"""Where pages are written, and what is never overwritten."""

import io
import os
from pathlib import Path

import pytest

from grader.errors import UsageError
from grader.report.page_files import targets, write

_PAGE = '<!doctype html>\n<meta name="generator" content="grader 1">'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(files: list[str], output: str | None = None) -> list[str]:
    places = targets([Path(name) for name in files], Path(output) if output else None, Terminal())
    return [str(place) for place in places]


def test_a_terminal_gets_no_page_but_a_file_named_after_the_program() -> None:
    assert names(["homework/counter.py"]) == ["counter.html"]
    assert names(["-"]) == ["-.html"]


def test_what_is_redirected_gets_the_page() -> None:
    assert targets([Path("counter.py")], None, io.StringIO()) == [None]
    assert targets([Path("counter.py")], Path("-"), Terminal()) == [None]


def test_the_file_or_folder_that_is_named(here: Path) -> None:
    (here / "pages").mkdir()
    assert names(["counter.py"], "report.html") == ["report.html"]
    assert names(["counter.py"], "pages") == ["pages/counter.html"]
    assert names(["a.py", "b.py"], "new/folder") == ["new/folder/a.html", "new/folder/b.html"]
    assert (here / "new/folder").is_dir()


@pytest.mark.parametrize(
    ("files", "pages"),
    [
        (["a.py", "b.py"], ["a.html", "b.html"]),
        (["ann/a.py", "ben/a.py"], ["ann-a.html", "ben-a.html"]),
        (["x/ann/a.py", "y/ann/a.py", "c.py"], ["x-ann-a.html", "y-ann-a.html", "c.html"]),
        (["../a.py", "/a.py", "a.py"], ["a-1.html", "a-2.html", "a-3.html"]),
    ],
)
def test_several_pages_have_names_of_their_own(files: list[str], pages: list[str]) -> None:
    assert names(files) == pages


def test_only_an_older_page_is_overwritten_unasked(here: Path) -> None:
    (here / "counter.html").write_text("my own notes")
    with pytest.raises(UsageError, match="no page of grader"):
        names(["counter.py"])
    assert names(["counter.py"], "counter.html") == ["counter.html"]
    (here / "counter.html").write_text(_PAGE)
    assert names(["counter.py"]) == ["counter.html"]


@pytest.mark.parametrize(
    ("files", "output", "said"),
    [
        (["a.py"], "no/such/a.html", "no/such is not a folder"),
        (["a.py", "b.py"], "-", "several pages"),
        (["a.py", "b.py"], "file", "cannot make the folder"),
    ],
)
def test_a_place_that_cannot_be_is_said_before_any_work(
    files: list[str], output: str, said: str, here: Path
) -> None:
    (here / "file").write_text("")
    with pytest.raises(UsageError, match=said):
        names(files, output)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_closed(here: Path) -> None:
    here.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        names(["a.py"])


def test_a_page_is_utf_8_whatever_the_locale() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write("é", None, stream)
    assert raw.getvalue() == "é".encode()


def test_a_file_that_cannot_be_written_is_no_bug_of_ours(here: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write("x", here, io.StringIO())


def test_long_names_and_names_that_differ_in_case_only(here: Path) -> None:
    long = ["a" * 252 + ".py", "a" * 251 + "b.py", "\u4e00" * 84 + ".py"]
    assert [os.fsencode(name) for name in names(long)] == [
        b"a" * 200 + b"-1.html",
        b"a" * 200 + b"-2.html",
        "\u4e00".encode() * 66 + b"-3.html",
    ]
    assert names(["x/A.py", "y/a.py"]) == ["x-A.html", "y-a.html"]
    assert names(["A.py", "a.py"]) == ["A-1.html", "a-2.html"]
