"""Our pages in a real Chromium: they work, they ask for nothing, and everybody can read them.

Skipped where no Chromium is installed. `pages` are the three kinds of page, made of grades by hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from browser.chromium import NAMES, Browser, Page, installed, opened
from reports import samples
from reports.test_html import _PAYLOADS, poisoned, with_states
from reports.test_sheet import EVIL, book_of

from grader.batch.model import Result, Verdict, of_grade
from grader.core.execution import OutcomeKind, StopReason
from grader.core.verdict import Grade, OutcomeClass, ScriptReport
from grader.core.verdict import Verdict as Found
from grader.report import batch_files, html, script_view, view

KINDS = ("student", "program", "instructor")
PROGRAM = installed()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason=f"none of {', '.join(NAMES)} is installed")

# The smallest contrast of any visible text, as WCAG 2 defines it, and the text that has it.
_CONTRAST = """(() => {
  const channels = text => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    const [r, g, b, a = 1] = numbers;
    return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = element => {
    const all = [];
    for (let e = element; e; e = e.parentElement) all.push(channels(getComputedStyle(e).backgroundColor));
    return all.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = colour => {
    const [r, g, b] = colour.slice(0, 3).map(c => c / 255)
      .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  let worst = [99, ""];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), element = walk.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest(".unseen, script, [aria-disabled=true]")) continue;
    const below = behind(element), ink = over(channels(getComputedStyle(element).color), below);
    const [a, b] = [light(ink), light(below)], contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < worst[0]) worst = [contrast, text.slice(0, 40)];
  }
  return worst;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with opened(PROGRAM, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of each kind an ordinary one, and a `hostile` one."""
    folder = tmp_path_factory.mktemp("pages")
    weak = {"sandbox": "WEAK (limits)", "unprotected": ("files", "network")}
    failing = msgspec.structs.replace(samples.failing(), **weak)
    states = msgspec.structs.replace(with_states(), **weak)
    evil = poisoned("".join(_PAYLOADS))
    grades = (samples.passing(), failing, samples.deadlock(), samples.broken(), samples.internal())
    people = (("Zoë", failing), *((f"Student {n}", grades[n % len(grades)]) for n in range(12)))
    results = (*((name, of_grade(grade)) for name, grade in people), ("Nobody", Result(Verdict.UNREADABLE)))
    hostile = tuple((f"{name}{_PAYLOADS[n % len(_PAYLOADS)]}", of_grade(evil)) for n, name in enumerate(EVIL))
    found = {
        "student": _write(folder / "student.html", html.of_grade(view.of_grade(states, "counter.py"))),
        "program": _write(folder / "program.html", _program(states)),
        "instructor": _batch(folder / "batch", *results, absent=("Late Lena",)),
        "hostile student": _write(folder / "evil.html", html.of_grade(view.of_grade(evil))),
        "hostile program": _write(folder / "evil-program.html", _program(evil, "".join(_PAYLOADS))),
        "hostile instructor": _batch(folder / "evil-batch", *hostile, absent=EVIL),
    }
    assert set(found) == {f"{how}{kind}" for how in ("", "hostile ") for kind in KINDS}
    return found


def _write(path: Path, page: str) -> Path:
    path.write_text(page, encoding="utf-8")
    return path


def _batch(folder: Path, *results: tuple[str, Result], absent: tuple[str, ...]) -> Path:
    folder.mkdir()
    book_of(folder, *results, absent=absent)
    return batch_files.write(folder).index


def _program(grade: Grade, name: str = "bank.py") -> str:
    outcomes = tuple(
        OutcomeClass(OutcomeKind.COMPLETED, count, {name: 0}, {name: text}, replay="TOKEN" * 30)
        for count, text in ((12, "balance 30\n" * 9), (8, f"balance 10 {name} {'wide ' * 60}"))
    )
    findings = grade.checks[0].findings
    report = ScriptReport(
        name,
        "0",
        Found.FAILED,
        20,
        20,
        StopReason.EXHAUSTED,
        0.5,
        outcomes,
        findings=findings,
        source=grade.source,
    )
    report = msgspec.structs.replace(report, sandbox="OFF (limits only)", unprotected=("files",))
    return html.of_script(script_view.of_report(report, name))


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.value(
        f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility())"
        ".map(e => e.textContent.replace(/\\s+/g, ' ').trim())"
    )
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_can_read_it_and_it_asks_for_nothing(
    kind: str, browser: Browser, pages: dict[str, Path]
) -> None:
    page = browser.page(pages[kind])
    for scheme in ("light", "dark"):
        for width in (1280, 360):
            page.look(width=width, scheme=scheme)
            assert page.value("document.documentElement.scrollWidth - innerWidth") <= 0, (scheme, width)
            contrast, text = page.value(_CONTRAST)
            assert contrast >= 4.5, (scheme, width, text)
    colours = set()
    for scheme in ("light", "dark"):
        page.look(scheme=scheme)
        colours.add(page.value("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2
    (warning,) = texts(page, ".warning")
    assert "NOT protected: files" in warning
    assert page.problems() == []
    page.close()


def test_the_order_is_stepped_through_with_keys_and_buttons(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.page(pages["student"])
    steps = page.value("document.querySelectorAll('.order tbody tr').length")

    def now() -> tuple[str, list[str]]:
        (place,) = texts(page, ".order [aria-current=step] th")
        (said,) = texts(page, ".now")
        assert page.value("document.querySelector('.bar input').value") == place
        assert said.startswith(f"Step {place} of {steps - 1}: ") or place == "0"
        return said, texts(page, ".objects td.last")

    def ends() -> list[str]:
        stopped: list[str] = page.value(
            "[...document.querySelectorAll('[data-go][aria-disabled=true]')].map(e => e.dataset.go)"
        )
        return stopped

    assert now() == ("at the start: counter 0; lock free", ["0", "free"])
    assert ends() == ["first", "back"]
    page.press("j")
    assert now() == ("Step 1 of 12: P1, line 7: acquire lock. Now lock held by P1", ["0", "held by P1"])
    assert texts(page, ".objects .changed th") == ["lock"]
    assert texts(page, ".code .current") == ["P17 with lock:"]
    page.press("ArrowRight", "ArrowRight", "k")
    assert now()[0] == "Step 2 of 12: P1, line 8: \u25c6 these steps clash: read counter \u2192 0"
    page.click("[data-go=last]")
    assert now() == ("Step 12 of 12: P1, line 10: release lock. Now lock free", ["1", "free"])
    assert ends() == ["on", "last"]
    page.press("j")
    assert now()[0].startswith("Step 12")
    page.press("Home", "ArrowDown")
    assert now()[0].startswith("Step 1 ")
    page.click(".order tbody tr", 8)
    assert now() == (
        "Step 8 of 12: P2, line 11: \u25c6 these steps clash: write counter \u2190 1. Now counter 1",
        ["1", "held by P2"],
    )
    page.click("[data-go=back]")
    assert now() == ("Step 7 of 12: P2, line 10: acquire lock. Now lock held by P2", ["0", "held by P2"])
    page.value("document.querySelector('.bar input').focus()")
    page.press("ArrowRight")
    assert now()[0].startswith("Step 8 ")
    assert page.problems() == []
    page.close()


def test_where_the_focus_is_can_be_seen(browser: Browser, pages: dict[str, Path]) -> None:
    for kind in KINDS:
        page = browser.page(pages[kind])
        seen = set()
        for _ in range(12):
            page.press("Tab")
            outline = page.value("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
            where = page.value("document.activeElement.tagName + document.activeElement.textContent")
            assert outline >= 2, where
            seen.add(where)
        assert len(seen) > 4
        page.close()


def test_the_matrix_is_sorted_and_filtered(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.page(pages["instructor"])

    def column(number: int) -> list[str]:
        return texts(page, f".matrix tbody tr :nth-child({number} of th, td)")

    def sorted_by() -> list[list[str]]:
        found: list[list[str]] = page.value(
            "[...document.querySelectorAll('[aria-sort]')].map(e => [e.textContent.trim(), e.ariaSort])"
        )
        return found

    def points() -> list[float]:
        return [float(text.partition("/")[0]) for text in column(2)]

    everybody = column(1)
    assert sorted_by() == []
    page.click(".matrix thead button", 1)
    assert points() == sorted(points())
    assert len(set(points())) > 2
    assert sorted_by() == [["Points", "ascending"]]
    page.click(".matrix thead button", 1)
    assert points() == sorted(points(), reverse=True)
    assert sorted_by() == [["Points", "descending"]]
    page.value("document.querySelectorAll('.matrix thead button')[0].focus()")
    page.press("Enter")
    assert sorted_by() == [["Student", "ascending"]]
    names = [name.partition(" counter")[0] for name in column(1)]
    assert names.index("Student 2") < names.index("Student 10")
    assert sorted(column(1)) == sorted(everybody)

    said = "document.querySelector('.filters output').textContent"
    page.click("[name=text]")
    page.type("student 1")
    assert [name[:10] for name in column(1)] == ["Student 1 ", "Student 10", "Student 11"]
    assert page.value(said) == f"3 of {len(everybody)} shown"
    page.value("document.querySelector('.filters').reset()")
    for name, wanted in (("verdict", "unreadable"), ("verdict", "absent")):
        _choose(page, name, wanted)
        assert set(column(3)) == {wanted}
    _choose(page, "verdict", "")
    _choose(page, "check", page.value("document.querySelector('[name=check] option:nth-child(3)').value"))
    failed = page.value(
        "[...document.querySelectorAll('.matrix tbody tr:not([hidden])')].map(r => r.cells[5].dataset.value)"
    )
    assert set(failed) == {"failed"}
    assert page.problems() == []
    page.close()


def _choose(page: Page, name: str, wanted: str) -> None:
    page.value(
        f"(() => {{ const e = document.querySelector('[name={name}]'); e.value = {wanted!r};"
        "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_the_page_of_a_student_is_one_click_away(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.page(pages["instructor"])
    links = page.value("[...document.querySelectorAll('main a')].map(e => e.href)")
    files = {link for link in links if "#" not in link}
    assert len(files) == 14
    for link in sorted(files)[:3]:
        page.open(link)
        assert texts(page, "h1") == ["counter.py"]
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_hostile_happens(kind: str, browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.page(pages[f"hostile {kind}"])
    page.press("j", "k", "End", "Tab", "Enter")
    counts = page.value("['script', 'style', 'img', 'i'].map(t => document.querySelectorAll(t).length)")
    assert counts == [1, 1, 0, 0]
    names = page.value("[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name)")
    assert not [name for name in names if name.startswith("on")]
    assert "alert(1)" in page.value("document.body.textContent")
    assert page.value("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.problems() == []  # a dialog would have made every question above wait for ever
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_script_everything_is_there(kind: str, browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.page(pages[kind], script=False)
    assert texts(page, ".controls, .filters, .copy") == []
    if kind == "instructor":
        assert len(texts(page, ".matrix tbody tr")) == 15
    else:
        assert len(texts(page, ".order tbody tr")) == 13
        assert texts(page, ".objects td.last") == ["1", "free"]
        assert texts(page, ".code li")[7] == "8 value = counter.value"
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_on_paper(kind: str, browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.page(pages[kind])
    sheets = len(re.findall(rb"/Type */Page\b(?!s)", page.pdf()))
    assert 1 <= sheets <= 6
    page.look(width=1032, scheme="dark", media="print")
    assert page.value("document.documentElement.scrollWidth - innerWidth") <= 0
    assert texts(page, ".controls, .filters, .copy") == []
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value(_CONTRAST)[0] >= 4.5
    page.close()
