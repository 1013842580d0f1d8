"""Every hostile text in every place of every report: each format still reads it as text, and nothing else.

The documents are read by strict parsers (`json`, `csv`, `sqlite3`, expat, and the tree of `test_html`); what a
terminal gets is looked at line by line.
"""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from reports import samples
from reports.test_any_grade import HIDDEN, texts
from reports.test_html import Tree, poisoned
from reports.test_sheet import book_of
from rich.cells import cell_len

from grader.batch.model import Result, Verdict, of_grade
from grader.core.execution import OutcomeKind, StopReason
from grader.core.verdict import DataRace, Location, OutcomeClass, ScriptReport
from grader.core.verdict import Verdict as Found
from grader.grading.replay import Replay
from grader.report import (
    batch_files,
    html,
    json_report,
    script_json,
    script_text,
    script_view,
    terminal,
    text,
    view,
)
from grader.report.outcome import Outcome

SPOOF = "✓ 10 of 10 points · 9 passed · 0.41 s"
HOSTILE = {
    "markup": "</script><script>alert(1)</script><!--</style>]]>\"'><img src=x onerror=alert(1)>&lt;&#0;",
    "template": "{{ 7 * 7 }}{% raw %}[bold]x[/bold]:smile:",
    "escapes": "\x1b[2J\x1b]0;title\x07\x9b31m\x1bP1$r\x1b\\\x08\x7f",
    "controls": "".join(map(chr, range(32))) + "".join(map(chr, range(0x7F, 0xA0))),
    "bidi": "\u202e10/10\u202c\u2066x\u2069\u200f\u061c",
    "invisible": "a\u200bb\ufeffc\u00add\u2060e\U000e0041f\u3164g\u2800h\ufe0f",
    "no characters": "\ud800\udfff\ufffe\uffff\ufdd0\U0010ffff\ue000\u0378",
    "lines": f"x\n{SPOOF}\r{SPOOF}\x0b\x0c\x1c\x85\u2028{SPOOF}\u2029",
    "padding": f"{'x' * 78}   {SPOOF}   {' ' * 70}{SPOOF}",
    "wide": f"{'日本' * 40}{SPOOF}",
    "marks": "\u0338\u20dda" + "\u0301" * 99 + "\u1161" * 99,
    "formula": '=HYPERLINK(1);@SUM(A1);"-1,+2',
    "path": "../../../etc/passwd\0/.ssh",
    "nothing": "",
    "blank": " \t ",
    "long": "n" * 10_000_000,
    "many lines": "line\n" * 1_000_000,
}
MOST = 200_000
"""Characters of any report for people; a text of ten million is a hundred and sixty times more."""


def script(evil: str) -> ScriptReport:
    (check,) = poisoned(evil).checks
    place = Location(evil, 1, evil)
    return ScriptReport(
        evil,
        "0",
        Found.FAILED,
        2,
        2,
        StopReason.EXHAUSTED,
        0.1,
        (OutcomeClass(OutcomeKind.COMPLETED, 1, {evil: 1}, {evil: evil, "P1": evil}, {evil: evil}, evil),),
        findings=check.findings,
        warnings=(DataRace(evil, ("read", "write"), (place, place)),),
        source=(evil,),
    )


def printed(show: Callable[[text.Printer], None]) -> str:
    file = io.StringIO()
    show(text.Printer(terminal.console(file, 80)))
    return file.getvalue()


def replayed(evil: str, failed: bool) -> Replay:
    finding = poisoned(evil).checks[0].findings[0]
    outcome = OutcomeClass(OutcomeKind.COMPLETED, 1, {evil: 1}, {evil: evil}, {evil: evil})
    return Replay(finding if failed else None, finding.steps, evil, 2, (evil,), finding.start, outcome)


TERMINAL: dict[str, Callable[[str], str]] = {
    "check": lambda evil: printed(lambda to: to.grade(view.of_grade(poisoned(evil), evil, evil))),
    "table": lambda evil: printed(
        lambda to: to.table([Outcome(evil, 1, poisoned(evil)), Outcome(evil, 2, error=evil)])
    ),
    "explore": lambda evil: printed(
        lambda to: script_text.print_report(to, script_view.of_report(script(evil), evil))
    ),
    "replay": lambda evil: printed(lambda to: to.replay(replayed(evil, True), evil)),
    "outcome": lambda evil: printed(lambda to: to.replay(replayed(evil, False), evil)),
}
PAGES: dict[str, Callable[[str], str]] = {
    "check": lambda evil: html.of_grade(view.of_grade(poisoned(evil), evil), lead=()),
    "explore": lambda evil: html.of_script(script_view.of_report(script(evil), evil)),
    "replay": lambda evil: html.of_replay(replayed(evil, True), evil),
    "outcome": lambda evil: html.of_replay(replayed(evil, False), evil),
}
DOCUMENTS: dict[str, Callable[[str], dict[str, object]]] = {
    "check": lambda evil: json_report.of_grade(poisoned(evil), evil),
    "error": lambda evil: json_report.entry(Outcome(evil, 2, error=evil)),
    "explore": lambda evil: script_json.of_report(script(evil), evil),
}
hostile = pytest.mark.parametrize("name", HOSTILE)


@pytest.mark.parametrize("kind", TERMINAL)
@hostile
def test_on_a_terminal(name: str, kind: str) -> None:
    report = TERMINAL[kind](HOSTILE[name])
    assert not HIDDEN.search(report)
    assert all(character.isprintable() or character == "\n" for character in report)
    assert len(report) < MOST
    for line in report.split("\n"):
        assert not re.match(r"\W*10 of 10", line) or line.startswith("  "), "a line that is not ours"
        assert cell_len(line) <= 80 or line.startswith("  grader replay ")


@pytest.mark.parametrize("kind", PAGES)
@hostile
def test_in_a_page(name: str, kind: str) -> None:
    page, plain = PAGES[kind](HOSTILE[name]), PAGES[kind]("plain")
    assert not HIDDEN.search(page.replace("\n", ""))
    assert len(page) < len(plain) + MOST
    tree = Tree(page).root
    assert {element.tag for element in tree.all()} <= {element.tag for element in Tree(plain).root.all()} | {
        "br",
        "dl",
        "div",
        "pre",
        "p",
    }
    page.encode("utf-8")


@pytest.mark.parametrize("kind", DOCUMENTS)
@hostile
def test_as_json(name: str, kind: str) -> None:
    file = io.StringIO()
    evil = HOSTILE[name][
        :100_000
    ]  # JSON leaves nothing out; what makes it small is tested with real programs
    json_report.write([DOCUMENTS[kind](evil)], file)
    document = file.getvalue()
    assert not HIDDEN.search(document.replace("\n", ""))
    wanted = re.sub("[\ud800-\udfff]", "\ufffd", evil)
    read = json.loads(document.encode("utf-8"))
    assert wanted in (read.get("path"), read.get("script"), read.get("error")) or not wanted


@hostile
def test_a_whole_batch(name: str, tmp_path: Path) -> None:
    evil = HOSTILE[name][:10_000]  # no file system has longer names, no roster is larger
    folder = tmp_path / "grades"
    folder.mkdir()
    book_of(
        folder,
        (evil, of_grade(poisoned(evil))),
        (f"{evil}b", Result(Verdict.UNREADABLE, problem=evil)),
        ("ben", of_grade(samples.passing())),
        absent=(evil,),
    )
    index = batch_files.write(folder).index
    assert [path.name for path in tmp_path.iterdir()] == ["grades"]
    for page in (index, *(folder / "submissions").glob("*.html")):
        shown = page.read_text(encoding="utf-8")
        assert not HIDDEN.search(shown.replace("\n", ""))
        assert [element.tag for element in Tree(shown).root.all("script")] == ["script"]
    for document in (folder / "grades.json", *(folder / "submissions").glob("*.json")):
        assert not HIDDEN.search(document.read_text(encoding="utf-8").replace("\n", ""))
        json.loads(document.read_bytes())
    root = ElementTree.fromstring((folder / "junit.xml").read_bytes())
    assert len(root) == 3
    sheet = (folder / "grades.csv").read_bytes().decode("utf-8")
    rows = list(csv.reader(io.StringIO(sheet, newline=""), strict=True))
    assert len(rows) == 5
    assert len({len(row) for row in rows}) == 1
    with sqlite3.connect(folder / "grades.sqlite") as book:
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert book.execute("SELECT count(*) FROM grades").fetchone() == (3,)


@settings(max_examples=25, deadline=None)
@given(texts)
def test_whatever_a_student_is_called(tmp_path_factory: pytest.TempPathFactory, evil: str) -> None:
    folder = tmp_path_factory.mktemp("grades")
    book_of(folder, (evil, of_grade(samples.failing())), absent=(evil,))
    batch_files.write(folder)
    ElementTree.fromstring((folder / "junit.xml").read_bytes())
    rows = list(csv.reader(io.StringIO((folder / "grades.csv").read_bytes().decode(), newline="")))
    assert [len(row) for row in rows] == [len(rows[0])] * 3
    assert not [cell for row in rows for cell in row if re.match(r"\s*[=+\-@]", cell)]
    Tree((folder / "index.html").read_text(encoding="utf-8"))
