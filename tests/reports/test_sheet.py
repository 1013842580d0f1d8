"""The reports on a whole batch: every format, however hostile what students call themselves and their files."""

import csv
import io
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from reports import samples
from reports.test_any_grade import HIDDEN
from reports.test_html import Tree, words_of

from grader.batch import versions
from grader.batch.book import Book
from grader.batch.model import Found, Handed, Leftover, Result, Roll, Student, Verdict, of_grade
from grader.batch.run import key_of
from grader.report import batch_files, overview, overview_html, sheet, sheet_formats
from grader.report.sheet import Sheet

EVIL = (
    '=HYPERLINK("http://x","y")',
    "+1",
    "-1+2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    '"><script>alert(1)</script>',
    "</style><b>",
    "a\x00b\x1b[31m\u202e\ud800\ufffe",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "Zoë 日本",
    "",
    "." * 300,
    "\u3000=1",
    "a;=1+1",
    'b; "@SUM(A1)',
    "\uff1d1",
    "-rf",
    "\U00020000" * 60,
    "\U00020000" * 61,
)


def roll_of(
    *results: tuple[str, Result | None], absent: tuple[str, ...] = ()
) -> tuple[Roll, list[Result | None]]:
    handed = tuple(
        Handed((Student(f"k{n}", name),), "counter", f"/x/{n}", f"{name}/counter.py", "counter.py", str(n))
        for n, (name, _) in enumerate(results)
    )
    leftovers = tuple(Leftover(name, f"why {name}") for name in absent)
    people = tuple(Student(f"r{n}", name) for n, name in enumerate(absent))
    return Roll("/x", found=Found(handed, leftovers), absent=people), [result for _, result in results]


def book_of(folder: Path, *results: tuple[str, Result | None], absent: tuple[str, ...] = ()) -> None:
    roll, found = roll_of(*results, absent=absent)
    with Book(folder) as book:
        book.enter_roll(roll)
        for handed, result in zip(roll.found.handed, found):
            if result is not None:
                book.enter(key_of(roll, handed), result)


def sheet_of(folder: Path) -> Sheet:
    with Book(folder, create=False) as book:
        return sheet.read(book)


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    grades = [of_grade(make()) for make in samples.ALL.values()]
    results = [*grades, Result(Verdict.UNREADABLE, problem="=1 <b>\x1b"), None]
    book_of(tmp_path, *((name, results[n % len(results)]) for n, name in enumerate(EVIL)), absent=EVIL)
    return tmp_path


def test_no_cell_is_a_formula(evil: Path) -> None:
    text = sheet_formats.csv_text(sheet_of(evil))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + 2 * len(EVIL)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if re.match(r"\s*[=+\-@\t\r]", cell)]
    other = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    assert not [cell for row in other for cell in row if re.match(r"[\s\"]*[=+\-@\uff1d]", cell)]
    assert not HIDDEN.search(text.replace("\r\n", ""))
    assert {row[0] for row in rows} >= {
        '\'=HYPERLINK("http://x","y")',
        "'+1",
        "'-1+2",
        "'@SUM(A1)",
        "Zoë 日本",
    }


def test_junit_is_legal_and_counts_right(evil: Path) -> None:
    document = sheet_formats.junit(sheet_of(evil))
    root = ElementTree.fromstring(document.decode("utf-8"))
    assert not HIDDEN.search(document.decode("utf-8").replace("\n", ""))
    for tag, name in (
        ("testcase", "tests"),
        ("failure", "failures"),
        ("error", "errors"),
        ("skipped", "skipped"),
    ):
        number = sum(int(suite.get(name, "-1")) for suite in root)
        assert number == len(list(root.iter(tag))) > 0
        assert root.get(name, str(number)) == str(number)
    assert [*root.attrib] == ["name", "tests", "failures", "errors"]


def test_json_is_valid_and_complete(evil: Path) -> None:
    text = batch_files.json_bytes(sheet_formats.document(sheet_of(evil))).decode("utf-8")
    document = json.loads(text)
    assert document["schema"] == "grader/grades/v1"
    assert len(document["students"]) == 2 * len(EVIL)
    assert len(document["not_graded"]) == len(EVIL)
    assert not HIDDEN.search(text.replace("\n", ""))
    submissions = [one for student in document["students"] for one in student["submissions"]]
    assert sum(document["verdicts"].values()) == sum(
        one["verdict"] != "not graded yet" for one in submissions
    )


def test_every_file_lies_in_the_folder_and_has_a_name_of_its_own(evil: Path) -> None:
    before = set(evil.parent.iterdir())
    batch_files.write(evil)
    assert set(evil.parent.iterdir()) == before
    pages = [path.name for path in (evil / "submissions").iterdir()]
    assert len(pages) == 2 * len(EVIL)
    assert len({name.casefold() for name in pages}) == len(pages)
    assert all(re.fullmatch(r"\w[\w+-]*\.(html|json)", name) for name in pages)
    assert all(len(name.encode()) <= 140 for name in pages)
    for path in (evil / "submissions").glob("*.html"):
        page = path.read_text(encoding="utf-8")
        Tree(page)
        assert "<script>alert" not in page


def test_pages_of_yesterday_go_and_files_of_others_stay(tmp_path: Path) -> None:
    book_of(tmp_path, ("anna", of_grade(samples.passing())))
    batch_files.write(tmp_path)
    pages = tmp_path / "submissions"
    (pages / "anna-counter.html").rename(pages / "gone-counter.html")
    (pages / "notes.html").write_text("mine")
    (pages / ".anna-counter.html.123").write_text("half")
    os.utime(pages / ".anna-counter.html.123", (0, 0))
    batch_files.write(tmp_path)
    assert sorted(path.name for path in pages.iterdir()) == [
        "anna-counter.html",
        "anna-counter.json",
        "notes.html",
    ]


def test_pages_that_say_the_same_are_not_written_again(tmp_path: Path) -> None:
    book_of(tmp_path, ("anna", of_grade(samples.passing())), ("ben", of_grade(samples.passing())))
    batch_files.write(tmp_path)
    anna, ben = (tmp_path / "submissions" / f"{name}-counter.html" for name in ("anna", "ben"))
    fresh = anna.read_bytes()

    def spoil(*, anew: bool) -> tuple[bool, bool]:
        """Whether each page is written again."""
        ours = ben.read_bytes()
        anna.write_bytes(b"old")
        ben.write_bytes(b"old")
        batch_files.write(tmp_path, anew=anew)
        again = anna.read_bytes() != b"old", ben.read_bytes() != b"old"
        ben.write_bytes(ours)
        return again

    assert spoil(anew=False) == (False, False)
    assert spoil(anew=True) == (True, True)
    assert anna.read_bytes() == fresh
    (tmp_path / "grades.sqlite").unlink()
    book_of(tmp_path, ("anna", of_grade(samples.passing())), ("ben", of_grade(samples.failing())))
    assert spoil(anew=False) == (False, True)
    anna.unlink()
    batch_files.write(tmp_path, anew=False)
    assert anna.read_bytes() == fresh


def test_status() -> None:
    passed = Handed((Student("k", "n"),), "counter", "", "", "")
    for verdicts, status in (
        ([Verdict.PASSED], 0),
        ([Verdict.PASSED, Verdict.FAILED], 1),
        ([Verdict.PASSED, None], 1),
        ([Verdict.INCONCLUSIVE], 1),
        ([Verdict.FAILED, Verdict.ERROR], 3),
    ):
        lines = [sheet.Line(passed, "p", verdict) for verdict in verdicts]
        assert batch_files._status(Sheet((), lines)) == status


def page_of(folder: Path) -> str:
    return overview_html.page(overview.of_sheet(sheet_of(folder), ["0"]))


def test_the_page_is_well_formed_and_nothing_hostile_is_in_it(evil: Path) -> None:
    page = page_of(evil)
    tree = Tree(page).root
    assert len(list(tree.all("script"))) == len(list(tree.all("style"))) == 1
    assert not [
        e for e in tree.all() if any(name.startswith("on") or name == "style" for name in e.attributes)
    ]
    assert not HIDDEN.search(page.replace("\n", ""))
    (policy,) = [meta for meta in tree.all("meta") if "http-equiv" in meta.attributes]
    assert "unsafe" not in policy.attributes["content"]
    links = [link.attributes["href"] for link in tree.all("a")]
    ids = {element.attributes["id"] for element in tree.all() if "id" in element.attributes}
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    assert all(
        re.fullmatch(r"submissions/[\w%+-]+\.html", link) for link in links if not link.startswith("#")
    )
    rows = list(tree.one("table", class_="matrix").one("tbody").all("tr"))
    assert len(rows) == 2 * len(EVIL)
    assert len({len([c for c in row.children if not isinstance(c, str)]) for row in rows}) == 1


def test_the_page_is_the_same_every_time(evil: Path) -> None:
    assert page_of(evil) == page_of(evil)


def test_the_same_mistake_is_one_group(tmp_path: Path) -> None:
    wrong, right = of_grade(samples.failing()), of_grade(samples.passing())
    book_of(tmp_path, ("anna", wrong), ("ben", right), ("eva", wrong))
    tree = Tree(page_of(tmp_path)).root
    first = next(tree.one("ol", class_="mistakes").all("li"))
    assert words_of(first.one("h3")).startswith("2 students: race in counter, loses no update in any order")
    assert [link.text for link in first.all("a")] == ["anna", "eva"]
    assert [link.attributes["href"] for link in first.all("a")] == [
        "submissions/anna-counter.html",
        "submissions/eva-counter.html",
    ]


def test_the_matrix_says_what_passes_rest_on(tmp_path: Path) -> None:
    book_of(tmp_path, ("ben", of_grade(samples.passing())), ("eva", None))
    tree = Tree(page_of(tmp_path)).root
    ben, eva = tree.one("table", class_="matrix").one("tbody").all("tr")
    assert [words_of(cell) for cell in ben.all("td", class_="cell")] == [
        "✓passed",
        "✓passed, boundedb",
        "✓passed",
        "✓passed, sampleds",
    ]
    assert {words_of(cell) for cell in eva.all("td", class_="cell")} == {"·none"}
    assert [eva.attributes["data-verdict"], ben.attributes["data-verdict"]] == ["not graded yet", "passed"]


def test_distributions_count_everybody_once(tmp_path: Path) -> None:
    grades = [of_grade(samples.passing()), of_grade(samples.failing()), of_grade(samples.deadlock())]
    book_of(tmp_path, *((f"s{n}", grades[n % 3]) for n in range(9)), absent=("zoe",))
    shown = overview.of_sheet(sheet_of(tmp_path))
    (one,) = shown.distributions
    assert sum(bar.count for bar in one.bars) == 9
    assert (one.bars[0].count, one.bars[1].count, one.bars[-1].count) == (3, 3, 3)
    assert max(bar.share for bar in one.bars) == 100


def test_identical_files_and_those_that_were_given_out(tmp_path: Path) -> None:
    handed = tuple(
        Handed((Student(name, name),), "counter", "", name, "counter.py", digest)
        for name, digest in (("a", "1"), ("b", "1"), ("c", "0"), ("d", "0"), ("e", "2"))
    )
    with Book(tmp_path) as book:
        book.enter_roll(Roll("/x", found=Found(handed)))
    shown = overview.of_sheet(sheet_of(tmp_path), ["0"])
    assert [(text, [link.text for link in links]) for text, links in shown.identical] == [
        ("counter", ["a", "b"]),
        ("counter, as it was given out", ["c", "d"]),
    ]


def test_what_was_not_protected_is_said_once_for_all_or_with_numbers(tmp_path: Path) -> None:
    def grade(*unprotected: str) -> Result:
        return of_grade(
            msgspec.structs.replace(samples.passing(), sandbox="WEAK (limits)", unprotected=unprotected)
        )

    def told(name: str, *results: Result) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        book_of(folder, *((f"s{n}", result) for n, result in enumerate(results)))
        tree = Tree(page_of(folder)).root
        return [words_of(line) for line in tree.all("p", class_="warning")]

    text = "sandbox: WEAK (limits). NOT protected: files"
    assert told("none", grade(), grade()) == []
    assert told("all", grade("files"), grade("files")) == [text]
    assert told("some", grade("files"), grade(), grade("files")) == [f"2 of 3 submissions: {text}"]


def test_grades_of_another_grader_say_so(tmp_path: Path) -> None:
    anna, ben, eva = (
        Handed((Student(name, name),), "counter", "", name, "counter.py", name)
        for name in ("anna", "ben", "eva")
    )
    roll = Roll("/x", found=Found((anna, ben, eva)), grader_version=versions.grader())
    old = "0.0.9+0123456789abcdef (Python 3.9)"
    with Book(tmp_path) as book:
        book.enter_roll(roll)
        book.enter(key_of(roll, anna), of_grade(samples.passing()))
        for handed, version in ((ben, old), (eva, "<b>=1+1")):
            book.enter(key_of(roll, handed)._replace(grader_version=version), of_grade(samples.passing()))
    found = sheet_of(tmp_path)
    shown = ["", "0.0.9 (01234567, Python 3.9)", "<b>=1+1"]
    assert [line.graded_by for line in found.lines] == shown
    rows = list(csv.DictReader(io.StringIO(sheet_formats.csv_text(found))))
    assert [row["remarks"] for row in rows] == ["", *(f"counter graded by {text}" for text in shown[1:])]
    document = [student["submissions"][0] for student in sheet_formats.document(found)["students"]]
    assert [one.get("graded_by", "") for one in document] == shown
    tree = Tree(page_of(tmp_path)).root
    assert [words_of(line) for line in tree.all("p", class_="warning")] == [
        f"1 of 3 submissions: graded by {text}, not by this grader; `grader batch` grades again"
        for text in shown[1:]
    ]
    (section,) = [one for one in tree.all("section") if one.attributes["aria-labelledby"] == "others"]
    assert [words_of(line) for line in section.all("li")] == [f"ben {shown[1]}", f"eva {shown[2]}"]
    batch_files.write(tmp_path)
    pages = [
        (tmp_path / "submissions" / f"{name}-counter.html").read_text() for name in ("anna", "ben", "eva")
    ]
    leads = [[words_of(line) for line in Tree(page).root.all("p", class_="lead")] for page in pages]
    assert leads == [
        ["anna", "exercise counter"],
        ["ben", f"graded by {shown[1]}", "exercise counter"],
        ["eva", f"graded by {shown[2]}", "exercise counter"],
    ]
    texts = [
        json.loads((tmp_path / "submissions" / f"{name}-counter.json").read_text())
        for name in ("anna", "ben", "eva")
    ]
    assert [text.get("graded_by", "") for text in texts] == shown


def test_a_page_is_written_again_when_the_grader_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = Handed((Student("a", "anna"),), "counter", "", "anna", "counter.py", "1")
    roll = Roll("/x", found=Found((handed,)), grader_version=versions.grader())
    with Book(tmp_path) as book:
        book.enter_roll(roll)
        book.enter(key_of(roll, handed), of_grade(samples.passing()))
    page = tmp_path / "submissions" / "anna-counter.html"
    batch_files.write(tmp_path)
    assert "graded by" not in page.read_text()
    monkeypatch.setattr(versions, "grader", lambda: "9.9.9+0123456789abcdef (Python 3.99)")
    written = batch_files.write(tmp_path, anew=False)
    assert "graded by" in page.read_text()
    assert len(written.graded_by) == 1


def test_who_is_absent_from_one_folder_only_is_not_absent(tmp_path: Path) -> None:
    anna, ben = Student("roster:0", "Anna", "1"), Student("roster:1", "Ben", "2")
    here = Handed((Student("name:anna", "anna"),), "counter", "", "anna", "counter.py", "1")
    nothing = Student("name:eva", "eva")
    with Book(tmp_path) as book:
        book.enter_roll(Roll("/x", found=Found((here,)), absent=(ben,), roster=(anna, ben)))
        book.enter_roll(Roll("/y", found=Found(without=(nothing,)), absent=(anna, ben), roster=(anna, ben)))
    lines = {(line.student.name, line.absent) for line in sheet_of(tmp_path).students}
    assert lines == {("anna", False), ("Ben", True), ("eva", True)}


def test_of_two_submissions_of_one_student_the_better_one_counts(tmp_path: Path) -> None:
    anna, ben = Student("a", "Anna"), Student("b", "Ben")
    handed = (
        Handed((anna, ben), "counter", "", "group", "counter.py", "1"),
        Handed((anna,), "counter", "", "alone", "counter.py", "2"),
    )
    roll = Roll("/x", found=Found(handed))
    with Book(tmp_path) as book:
        book.enter_roll(roll)
        book.enter(key_of(roll, handed[0]), of_grade(samples.failing()))
        book.enter(key_of(roll, handed[1]), of_grade(samples.passing()))
    found = sheet_of(tmp_path)
    both = {line.student.name: line for line in found.students}
    assert [both[name].lines["counter"].handed.shown for name in ("Anna", "Ben")] == ["alone", "group"]
    rows = list(csv.DictReader(io.StringIO(sheet_formats.csv_text(found))))
    assert re.search(r"counter twice: group \(.*\) does not count", rows[0]["remarks"])
    assert rows[1]["remarks"] == ""
    (first, second) = sheet_formats.document(found)["students"][0]["submissions"]
    assert (first["file"], second["file"], second["counts"]) == ("alone", "group", False)
