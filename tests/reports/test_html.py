"""The page: complete in itself, readable without its script, and nothing in it that a submission could make run."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files

import msgspec
import pytest
from reports import samples
from reports.test_any_grade import HIDDEN

from grader.core.execution import OutcomeKind, StopReason
from grader.core.verdict import (
    CheckResult,
    CheckStatus,
    Finding,
    FindingKind,
    Grade,
    Location,
    OutcomeClass,
    ScriptReport,
    Verdict,
    WitnessStep,
)
from grader.grading.replay import Replay
from grader.report import html, script_view, view

_VOID = {"meta", "link", "input", "br", "col"}
_PAYLOADS = (
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- <![CDATA[",
    "&lt;b&gt;&#x202e;",
    "javascript:alert(1)",
    "`<i>`",
)


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag: str = "", **attributes: str) -> "Iterator[Element]":
        """The elements below, in order; `class_="x"` means that x is among the classes."""
        for child in self.children:
            if isinstance(child, str):
                continue
            if tag in ("", child.tag) and all(child.has(name, value) for name, value in attributes.items()):
                yield child
            yield from child.all(tag, **attributes)

    def one(self, tag: str = "", **attributes: str) -> "Element":
        (found,) = self.all(tag, **attributes)
        return found

    def has(self, name: str, value: str) -> bool:
        have = self.attributes.get(name.rstrip("_"), "")
        return value in have.split() if name == "class_" else value == have


class Tree(HTMLParser):
    """Reads a page, and insists on balanced tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(page)
        self.close()
        assert len(self._open) == 1, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def page_of(grade: Grade) -> str:
    return html.of_grade(view.of_grade(grade, f"homework/{grade.submission}"))


def tree_of(grade: Grade) -> Element:
    return Tree(page_of(grade)).root


def words_of(element: Element) -> str:
    return " ".join(element.text.split())


def poisoned(payload: str) -> Grade:
    """A grade in which every text is `payload`."""
    step = WitnessStep(
        payload, payload, payload, 1, payload, payload, True, True, payload, ((payload, payload),)
    )
    finding = Finding(
        FindingKind.RACE,
        payload,
        help=payload,
        location=Location(payload, 1, payload),
        expected=payload,
        got=payload,
        replay=payload,
        output=payload,
        steps=(step, msgspec.structs.replace(step, task="P1", executed=False)),
        start=((payload, payload),),
    )
    check = CheckResult(payload, payload, payload, CheckStatus.FAILED, 0.0, 1.0, findings=(finding,))
    return Grade(payload, "0", payload, (check,), 0.1, (payload, payload))


@pytest.mark.parametrize("payload", _PAYLOADS)
def test_no_text_becomes_markup(payload: str) -> None:
    tree, plain = tree_of(poisoned(payload)), tree_of(poisoned("harmless"))
    tags = [element.tag for element in tree.all() if element.tag != "code"]
    assert tags == [element.tag for element in plain.all() if element.tag != "code"]
    assert [set(e.attributes) for e in tree.all("td")] == [set(e.attributes) for e in plain.all("td")]
    (code,) = tree.one("ol", class_="code").all("li", value="1")
    assert code.text == f"1{payload}"
    assert tree.one("h1").text == f"homework/{payload}"


@pytest.mark.parametrize("name", samples.ALL)
def test_nothing_can_run_or_be_fetched_but_what_is_ours(name: str) -> None:
    tree = tree_of(samples.ALL[name]())
    policy = next(
        e for e in tree.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"
    ).attributes["content"]
    assert policy.startswith("default-src 'none'")
    for tag, asset in (("style", "page.css"), ("script", "page.js")):
        element = tree.one(tag)
        assert element.attributes == {}
        assert element.text == files("grader.report").joinpath("templates", asset).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for element in tree.all():
        assert not any(attribute.startswith("on") or attribute == "style" for attribute in element.attributes)
        assert not {"src", "srcset", "action", "formaction"} & element.attributes.keys()
        assert re.fullmatch(r"#[a-z0-9-]+|data:,|", element.attributes.get("href", ""))


@pytest.mark.parametrize("name", samples.ALL)
def test_nothing_is_hidden_and_every_reference_leads_somewhere(name: str) -> None:
    page = page_of(samples.ALL[name]())
    assert not HIDDEN.search(page)
    tree = Tree(page).root
    names = [e.attributes["id"] for e in tree.all() if "id" in e.attributes]
    assert len(set(names)) == len(names)
    wanted = {e.attributes["href"][1:] for e in tree.all("a")}
    wanted |= {e.attributes["aria-labelledby"] for e in tree.all() if "aria-labelledby" in e.attributes}
    assert wanted <= set(names)


def with_states() -> Grade:
    """The lost update of the samples, with what the objects hold."""
    grade = samples.failing()
    check = grade.checks[1]
    changes = (
        "held by P1",
        "",
        "free",
        "held by P2",
        "",
        "free",
        "held by P2",
        "",
        "free",
        "held by P1",
        "",
        "free",
    )
    finding = check.findings[0]
    steps = [
        msgspec.structs.replace(
            step,
            state=(("lock", now),) if now else (("counter", "1"),) if number == 7 else (),
        )
        for number, (step, now) in enumerate(zip(finding.steps, changes, strict=True))
    ]
    told = msgspec.structs.replace(finding, steps=tuple(steps), start=(("counter", "0"), ("lock", "free")))
    checks = (msgspec.structs.replace(check, findings=(told,)),)
    return msgspec.structs.replace(grade, checks=checks)


def test_the_order_is_a_table_with_a_column_for_each_process() -> None:
    order = tree_of(with_states()).one("table", class_="order")
    assert [words_of(head) for head in order.one("thead").all("th")] == ["Step", "P1", "P2", "changes"]
    rows = [
        [words_of(cell) for cell in row.children if isinstance(cell, Element)]
        for row in order.one("tbody").all("tr")
    ]
    assert rows[0] == ["0", "at the start", "counter 0lock free"]
    assert rows[1] == ["1", "line 7 acquire lock", "", "lock held by P1"]
    assert rows[2] == ["2", "line 8 ◆ these steps clash: read counter → 0", "", ""]
    assert rows[8] == ["8", "", "line 11 ◆ these steps clash: write counter ← 1", "counter 1"]
    assert len(rows) == 13


def test_the_script_finds_the_object_the_line_and_the_process_of_each_step() -> None:
    tree = tree_of(with_states())
    names = [words_of(row.one("th")) for row in tree.one("table", class_="objects").one("tbody").all("tr")]
    heads = [words_of(head) for head in tree.one("table", class_="order").one("thead").all("th")]
    lines = {line.attributes.get("value") for line in tree.one("ol", class_="code").all("li")}
    seen = 0
    for item in tree.one("table", class_="order").all("li"):
        name, value = item.all("span")
        assert names[int(value.attributes["data-object"])] == name.text
        seen += 1
    assert seen == 11
    for row in tree.one("table", class_="order").one("tbody").all("tr"):
        if "data-task" in row.attributes:
            column = int(row.attributes["data-task"])
            cells = [child for child in row.children if isinstance(child, Element)]
            assert words_of(cells[column + 1])
            assert heads[column + 1] in ("P1", "P2")
            assert row.attributes["data-line"] in lines


def test_without_the_script_the_objects_tell_how_it_began_and_ended() -> None:
    tree = tree_of(with_states())
    rows = [words_of(row) for row in tree.one("table", class_="objects").one("tbody").all("tr")]
    assert rows == ["counter01", "lockfreefree"]
    assert "hidden" in tree.one("div", class_="controls").attributes


def test_every_finding_has_a_section_that_the_overview_leads_to() -> None:
    tree = tree_of(samples.failing())
    anchors = [link.attributes["href"] for link in tree.one("table", class_="overview").all("a")]
    assert anchors == ["#finding-1", "#finding-2", "#finding-3"]
    titles = [words_of(section.one("h2")) for section in tree.all("section")]
    assert titles == [
        "loses no update in any order of the processes",
        "returns the final value",
        "lets its processes be alive together",
    ]
    commands = [words_of(command.one("code")) for command in tree.all(class_="command")]
    assert commands[0] == "grader replay eyJjIjoibm9fbG9zdF91cGRhdGUifQ.AQECAgEB homework/counter.py"
    assert [value.text for value in tree.all("dd")] == ["counter == 2", "counter == 1", "5", "4"]


def test_code_in_a_help_text_is_code() -> None:
    (code,) = tree_of(samples.failing()).one("p", class_="help").all("code")
    assert code.text == "with lock:"


def test_a_long_order_is_bounded_and_nothing_of_it_is_forgotten() -> None:
    steps = tuple(
        WitnessStep("P1", "write", f"x{n}", 1, str(n), state=(("x", str(n)),)) for n in range(2_000)
    )
    finding = Finding(FindingKind.HANG, "on and on", steps=steps, start=(("x", "-1"),))
    check = CheckResult("c", "c", "", CheckStatus.FAILED, 0.0, 1.0, findings=(finding,))
    tree = tree_of(Grade("counter.py", "0", "counter", (check,), 0.1))
    rows = list(tree.one("table", class_="order").one("tbody").all("tr"))
    assert len(rows) == 1 + 150 + 1 + 200
    assert words_of(rows[151]) == "… 1,650 more steps …x 1799"
    assert words_of(rows[-1].one("th")) == "2000"


def test_a_page_comes_out_the_same_every_time() -> None:
    assert page_of(samples.failing()) == page_of(samples.failing())


@pytest.mark.parametrize("failed", [True, False])
def test_a_replay(failed: bool) -> None:
    grade = with_states()
    finding = grade.checks[0].findings[0]
    seen = Replay(
        finding if failed else None, finding.steps, "loses no <update>", 2, grade.source, finding.start
    )
    tree = Tree(html.of_replay(seen, "a&b.py")).root
    assert tree.one("h1").text == "a&b.py"
    assert tree.one("h2").text == "loses no <update>"
    verdict = words_of(tree.one("p", class_="verdict"))
    assert verdict.startswith("✗ this order still" if failed else "✓ this order no longer")
    assert len(list(tree.one("table", class_="order").one("tbody").all("tr"))) == 13
    assert bool(list(tree.all(class_="command"))) is failed


def test_a_replay_of_an_outcome_tells_what_it_came_to() -> None:
    finding = with_states().checks[0].findings[0]
    outcome = OutcomeClass(OutcomeKind.COMPLETED, 1, {"main": 0}, {"main": "balance <30>"})
    seen = Replay(None, finding.steps, "The program in this order", 2, (), outcome=outcome)
    tree = Tree(html.of_replay(seen, "bank.py")).root
    assert [words_of(line) for line in tree.all("p", class_="lead")] == [
        "2 processes",
        "every process ends",
        "main prints balance <30>",
    ]


def test_a_program() -> None:
    finding = with_states().checks[0].findings[0]
    report = ScriptReport(
        script="bank.py",
        sha256="0",
        verdict=Verdict.FAILED,
        executions=20,
        traces=20,
        stopped=StopReason.EXHAUSTED,
        seconds=0.5,
        outcomes=(
            OutcomeClass(OutcomeKind.COMPLETED, 12, {"main": 0}, {"main": "30\n<b>"}, replay="TOKEN1"),
            OutcomeClass(OutcomeKind.COMPLETED, 8, {"main": 0}, {"main": "10"}, replay="TOKEN2"),
        ),
        findings=(finding,),
    )
    tree = Tree(html.of_script(script_view.of_report(report, "bank.py"))).root
    outcomes = tree.one("section", class_="outcomes")
    assert [pre.text for pre in outcomes.all("pre")] == ["30\n<b>", "10"]
    commands = [words_of(command.one("code")) for command in outcomes.all(class_="command")]
    assert commands == ["grader replay TOKEN1 bank.py", "grader replay TOKEN2 bank.py"]
    assert (
        words_of(tree.one("section", class_="finding").one("h2")) == "race with 2 processes, in some orders"
    )


def test_a_page_says_what_was_not_protected() -> None:
    open_grade = msgspec.structs.replace(
        samples.passing(), sandbox="WEAK (limits)", unprotected=("files", "<network>")
    )
    (warning,) = tree_of(open_grade).all("p", class_="warning")
    assert words_of(warning) == "sandbox: WEAK (limits). NOT protected: files; <network>"
    assert not list(tree_of(samples.passing()).all("p", class_="warning"))


def test_the_page_of_a_program_says_that_it_was_not_closed_off() -> None:
    report = ScriptReport(
        "a.py",
        "0",
        Verdict.VERIFIED,
        1,
        1,
        StopReason.EXHAUSTED,
        0.1,
        sandbox="OFF (limits only)",
        unprotected=("files",),
    )
    tree = Tree(html.of_script(script_view.of_report(report, "a.py"))).root
    assert words_of(tree.one("p", class_="warning")) == "sandbox: OFF (limits only). NOT protected: files"


def test_names_that_look_alike_when_they_are_cut_stay_apart() -> None:
    long = "n" * 200
    steps = tuple(
        WitnessStep(f"{long}{n}", "write", "x", 1, state=((f"{long}{n}", str(n)),)) for n in range(3)
    )
    shown = view.of_steps(steps, ((f"{long}0", "?"), (f"{long}1", "?")))
    assert shown is not None
    assert len(shown.tasks) == 3
    assert len({step.task for step in shown.steps}) == 3
    assert len({name for step in shown.steps for name, _ in step.changes} | {n for n, _ in shown.start}) == 3
