"""The report as one web page that is complete in itself. Start at `page`; the functions `of_…` are made of it.

The failing order is an ordinary table, so everything can be read and printed without a script; the script only steps
through what the table says, and reads it from there. No text of a submission ever stands in a script, a style or an
attribute that is not quoted: every text comes sanitized from `view`, and jinja2 escapes all of it. Beyond that the
page's own policy allows exactly this style sheet and this script, by their hashes, and nothing from anywhere else.
"""

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined

from grader import __version__
from grader.core.verdict import CheckStatus, FindingKind, Verdict
from grader.report import sanitize, script_view, view, words
from grader.report.script_view import ScriptView
from grader.report.shorten import Gap, Length, Row, elide, fold, marked
from grader.report.view import CheckView, FindingView, GradeView, Pairs, StepView, WitnessView

if TYPE_CHECKING:
    from grader.grading.replay import Replay

_VERDICTS = {
    Verdict.VERIFIED: CheckStatus.PASSED,
    Verdict.BOUNDED: CheckStatus.PASSED,
    Verdict.FAILED: CheckStatus.FAILED,
    Verdict.INCONCLUSIVE: CheckStatus.INCONCLUSIVE,
}

Group: TypeAlias = "tuple[str, Sequence[tuple[CheckView, str]]]"
"""A function, and the checks about it, each with the anchor of its first finding ("" if it has none)."""

_LENGTH = Length(long=400, head=150, tail=200, conflicts=10)
GLYPHS = {
    CheckStatus.PASSED.value: "✓",
    CheckStatus.FAILED.value: "✗",
    CheckStatus.SKIPPED.value: "–",  # noqa: RUF001 (an en dash is what it is)
    CheckStatus.INCONCLUSIVE.value: "?",
    CheckStatus.ERROR.value: "!",
}


@dataclass(frozen=True, slots=True)
class RowView:
    """A row of the order: a step in the column of its process, or words about steps that are left out."""

    step: StepView | None
    text: str
    number: str = ""
    column: int = 0
    changes: Pairs = ()

    @property
    def is_gap(self) -> bool:
        """Whether this stands for several steps."""
        return self.step is None


class Section:
    """One finding on a page. `status` colours it; `witness` takes the place of the finding's own."""

    def __init__(
        self,
        title: str,
        finding: FindingView,
        status: CheckStatus = CheckStatus.FAILED,
        witness: WitnessView | None = None,
    ) -> None:
        self.title = title
        self.finding = finding
        self.status = status.value
        self.witness = witness or finding.witness
        self.meaning = self.witness.meaning_of_mark(finding.kind) if self.witness else ""
        self.rows = _rows(self.witness) if self.witness else ()
        self.summary = _summary(self.witness) if self.witness else ()
        self.objects = tuple(name for name, _, _ in self.summary)


def page(
    title: str,
    sections: Sequence[Section],
    *,
    lead: Sequence[str] = (),
    verdict: str = "",
    status: CheckStatus = CheckStatus.FAILED,
    warning: str = "",
    groups: Sequence[Group] = (),
    program: ScriptView | None = None,
) -> str:
    """A page with a section for each finding. All texts are harmless already, as those in a `view` are.

    `lead` are lines below the title, `verdict` the one that counts, marked by `status`, `warning` one about
    isolation; `groups` is a table of checks to stand before the sections, `program` one whose outcomes and warnings
    do.
    """
    return render(
        "findings.html.j2",
        title,
        asset("page.css"),
        asset("page.js"),
        sections=sections,
        lead=lead,
        verdict=verdict,
        status=status.value,
        warnings=[warning] if warning else [],
        groups=groups,
        program=program,
    )


def of_grade(shown: GradeView, lead: Sequence[str] = ()) -> str:
    """A page for everything about one submission; `lead` are harmless lines to stand below its name."""
    sections: list[Section] = []
    groups: list[Group] = []
    for group in shown.groups:
        rows = []
        for check in group.checks:
            rows.append((check, f"finding-{len(sections) + 1}" if check.findings else ""))
            sections += [Section(check.title, finding, check.status) for finding in check.findings]
        groups.append((group.function, rows))
    return page(
        shown.submission,
        sections,
        lead=(*lead, f"exercise {shown.exercise}"),
        verdict=shown.summary,
        status=CheckStatus.PASSED if shown.passed else CheckStatus.FAILED,
        warning=shown.warning,
        groups=groups,
    )


def of_script(shown: ScriptView) -> str:
    """A page for everything that is known about one program."""
    sections = [Section(finding.kind, replace(finding, kind="")) for finding in shown.findings]
    return page(
        shown.script,
        sections,
        lead=(shown.basis,),
        verdict=shown.headline,
        status=_VERDICTS[shown.verdict],
        warning=shown.unprotected,
        program=shown,
    )


def of_replay(seen: "Replay", path: str) -> str:
    """A page for the schedule behind a token, and how it ended this time."""
    lead = [words.processes([seen.processes])] if seen.processes else []
    title, witness = sanitize.line(seen.check), view.of_steps(seen.steps, seen.start)
    status, verdict = CheckStatus.PASSED, ""
    if seen.finding is not None:
        inconclusive = seen.finding.kind is FindingKind.INCONCLUSIVE
        status = CheckStatus.INCONCLUSIVE if inconclusive else CheckStatus.FAILED
        verdict = "this order still breaks it"
        shown = view.of_finding(seen.finding, seen.source, path)
    else:
        shown = view.without_finding(seen.steps, seen.source)
        if seen.outcome is not None:
            lead += script_view.in_words(seen.outcome)
        else:
            verdict = "this order no longer breaks it (grader check tells whether any other does)"
    section = Section(title, shown, status, witness)
    return page(sanitize.line(path), [section], lead=lead, verdict=verdict, status=status)


def _rows(witness: WitnessView) -> tuple[RowView, ...]:
    """The steps in their columns, with what repeats itself or is too much left out."""
    rows: list[RowView] = []
    number = 1
    for row in elide(marked(fold(witness.steps)), _LENGTH):
        rows.append(_row(row, number, witness.tasks))
        number += row.steps if isinstance(row, Gap) else 1
    return tuple(rows)


def _row(row: Row, number: int, tasks: Sequence[str]) -> RowView:
    if isinstance(row, Gap):
        return RowView(None, str(row), changes=row.changes)
    shown = "" if row.waiting else str(number)
    return RowView(row, row.text, shown, tasks.index(row.task), row.changes)


def _summary(witness: WitnessView) -> tuple[tuple[str, str, str], ...]:
    """The shared objects, each with what it holds first and last."""
    first = dict(witness.start)
    last = dict(first)
    for step in witness.steps:
        last.update(step.changes)
    return tuple((name, first.get(name, ""), text) for name, text in last.items())


def render(template: str, heading: str, style: str, script: str, **content: object) -> str:
    """A template as a page with this style sheet and script; `content` is what it wants to know besides."""
    return (
        _environment()
        .get_template(template)
        .render(
            title=f"{heading} – grader",  # noqa: RUF001 (an en dash is what it is)
            heading=heading,
            glyphs=GLYPHS,
            style=style,
            script=script,
            policy=_policy(style, script),
            version=__version__,
            **content,
        )
    )


def _policy(style: str, script: str) -> str:
    """Allows a page this style sheet and this script, and nothing else."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


@functools.cache
def _environment() -> Environment:
    """The templates; whatever stands in them is escaped."""
    return Environment(
        loader=PackageLoader("grader.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def asset(name: str) -> str:
    """A file of ours that stands in the page as it is."""
    templates = _environment()
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]
