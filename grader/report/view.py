"""The view model: a `Grade` as plain, harmless words and columns. Every report for people is laid out from it.

Start at `of_grade`. No colours, no widths and no terminal here: how it looks is the business of `text`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from grader.core.verdict import CheckResult, CheckStatus, Finding, FindingKind, Grade, WitnessStep
from grader.report import sanitize, words

_SOURCE_LINES = 12
_LISTED_LINES = 240
_CONTEXT = 4
_OUTPUT_LINES = 12
_VALUE_LIMIT = 240
_NAME_LIMIT = 60
_TASK_LIMIT = 30

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Names of shared objects, each with what it holds."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One row of a witness: what `task` did (or, with `waiting`, still waits for) at source `line` ("" unknown).

    `changes` are the shared objects that hold something else when the next row comes. With `repeats` it belongs to the
    steps that come again and again.
    """

    task: str
    line: str
    text: str
    conflict: bool = False
    waiting: bool = False
    changes: Pairs = ()
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class WitnessView:
    """A failing execution: one column per task, time downwards; `start` is what shared objects hold before it."""

    tasks: tuple[str, ...]
    steps: tuple[StepView, ...]
    start: Pairs = ()

    def meaning_of_mark(self, kind: str) -> str:
        """What the mark at some steps says in a finding of this kind, "" if there is none."""
        marked = sum(step.conflict for step in self.steps)
        if not marked:
            return ""
        return "these steps clash" if marked > 1 and not kind.startswith("not-concurrent") else "look here"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the submission that the witness goes through; `here` marks the finding's own place."""

    number: int
    text: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class FindingView:
    """Why a check failed. `kind` is the short heading, `replay` a command line; empty parts are not shown.

    `source` are the few lines that the witness goes through, `listing` those and what stands around them.
    """

    kind: str
    place: str
    message: tuple[str, ...]
    witness: WitnessView | None
    expected: str
    got: str
    source: tuple[SourceLine, ...]
    trace: tuple[str, ...]
    output: tuple[str, ...]
    help: str
    replay: str
    listing: tuple[SourceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check: its line in the overview, and the findings to show below it."""

    status: CheckStatus
    title: str
    remark: tuple[str, ...]
    points: str
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, slots=True)
class GroupView:
    """The checks about one function of the submission."""

    function: str
    checks: tuple[CheckView, ...]


@dataclass(frozen=True, slots=True)
class GradeView:
    """Everything that a report says about one submission."""

    submission: str
    exercise: str
    passed: bool
    groups: tuple[GroupView, ...]
    points: str
    tally: str
    summary: str
    warning: str = ""
    """What the submission could have reached; empty if it was closed off."""

    @property
    def checks(self) -> tuple[CheckView, ...]:
        """All checks, in order."""
        return tuple(check for group in self.groups for check in group.checks)


def of_grade(grade: Grade, submission: str = "", folder: str = "") -> GradeView:
    """The view of a grade; `submission` is the path as the user gave it, for headings and command lines.

    So is `folder`, that of an exercise that is not ours.
    """
    path = submission or grade.submission
    groups = [
        GroupView(
            sanitize.line(function), tuple(_check(check, grade.source, path, folder) for check in checks)
        )
        for function, checks in groupby(grade.checks, key=lambda check: check.function)
    ]
    return GradeView(
        submission=sanitize.line(path),
        exercise=sanitize.line(grade.exercise),
        passed=grade.passed,
        groups=tuple(groups),
        points=f"{words.points(grade.score)}/{words.points(grade.max_score)}",
        tally=words.tally(grade),
        summary=words.summary(grade),
        warning=words.unprotected(grade),
    )


def _check(check: CheckResult, source: Sequence[str], path: str, folder: str) -> CheckView:
    findings = [of_finding(finding, source, path, folder) for finding in check.findings]
    if not findings and check.reason and check.status not in (CheckStatus.SKIPPED, CheckStatus.PASSED):
        ours = check.status is CheckStatus.ERROR
        kind = "a bug in the grader, not in your program" if ours else check.status.value
        findings = [_bare(kind, check.reason)]
    return CheckView(
        status=check.status,
        title=sanitize.line(check.title or check.name),
        remark=words.remark(check),
        points=f"{words.points(check.score)}/{words.points(check.max_score)}",
        findings=tuple(findings),
    )


def of_finding(finding: Finding, source: Sequence[str] = (), path: str = "", folder: str = "") -> FindingView:
    """The view of a finding in the submission at `path`, whose lines are `source`; `folder` as in `of_grade`."""
    location = finding.location
    replay = sanitize.command("grader", "replay", finding.replay, path) if finding.replay else ""
    if replay and folder:
        replay = f"{replay} --exercise {sanitize.command(folder)}"
    trace = finding.failure.traceback if finding.failure else ""
    return FindingView(
        kind=words.kind(finding),
        place=sanitize.line(f"{location.file}:{location.line}") if location else "",
        message=sanitize.block(finding.message),
        witness=of_steps(finding.steps, finding.start),
        expected=sanitize.line(finding.expected, _VALUE_LIMIT),
        got=sanitize.line(finding.got, _VALUE_LIMIT),
        source=_source_lines(finding, source),
        trace=sanitize.block(_without_library(trace), _OUTPUT_LINES) if trace.strip() else (),
        output=sanitize.block(finding.output, _OUTPUT_LINES) if finding.output.strip() else (),
        help=sanitize.line(finding.help),
        replay=sanitize.line(replay, limit=4000),
        listing=listing(finding, source),
    )


def _bare(kind: str, message: str) -> FindingView:
    return FindingView(kind, "", sanitize.block(message) if message else (), None, "", "", (), (), (), "", "")


def without_finding(steps: Sequence[WitnessStep], source: Sequence[str]) -> FindingView:
    """The view of an order in which nothing is wrong."""
    return replace(_bare("", ""), listing=listing(Finding(FindingKind.RACE, "", steps=tuple(steps)), source))


def of_steps(steps: Iterable[WitnessStep], start: Pairs = ()) -> WitnessView | None:
    """The columns of a witness, none if there are no steps."""
    steps = tuple(steps)
    names = _distinct((step.task for step in steps), _TASK_LIMIT)
    held = (start, *(step.state for step in steps))
    objects = _distinct((name for pairs in held for name, _ in pairs), _NAME_LIMIT)
    rows = tuple(
        StepView(
            task=names[step.task],
            line=str(step.line) if step.line else "",
            text=words.step(step),
            conflict=step.conflict,
            waiting=not step.executed,
            changes=_pairs(step.state, objects),
            repeats=step.repeats,
        )
        for step in steps
    )
    return WitnessView(_columns(rows), rows, _pairs(start, objects)) if rows else None


def _distinct(texts: Iterable[str], limit: int) -> dict[str, str]:
    """The shown names of processes or objects: two that look alike, because they are long, say, get numbers."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(texts):
        shown = distinct = sanitize.line(name, limit)
        number = 1
        while distinct in taken:
            number += 1
            distinct = f"{shown} ({number})"
        taken.add(distinct)
        names[name] = distinct
    return names


def _pairs(pairs: Pairs, names: Mapping[str, str]) -> Pairs:
    return tuple((names[name], sanitize.line(text, _VALUE_LIMIT)) for name, text in pairs)


def _columns(rows: Iterable[StepView]) -> tuple[str, ...]:
    """The tasks, in the order of starting where their names tell it (`main`, `P1`, `P1.2`, `P2`)."""
    seen = list(dict.fromkeys(row.task for row in rows))
    return tuple(sorted(seen, key=task_order))


def task_order(task: str) -> tuple[int, tuple[int, ...], str, tuple[int, ...]]:
    """Sorts shown names of processes: `main`, `P1`, `P1.2`, `P2`, then those with a name of their own.

    A process's threads (`P1/T1`) come after it.
    """
    task, _, thread = task.partition("/")
    numbers = tuple(int(part) if part.isdecimal() and len(part) < 9 else 0 for part in thread[1:].split("."))
    order, place = _process_order(task)
    return (order, place, task if order > 1 and thread else "", numbers if thread else ())


def _process_order(task: str) -> tuple[int, tuple[int, ...]]:
    if task == "main":
        return 0, ()
    parts = task.removeprefix("P").split(".")
    if task.startswith("P") and all(part.isdecimal() and part.isascii() and len(part) < 9 for part in parts):
        return 1, tuple(map(int, parts))
    return 2, ()


def _source_lines(finding: Finding, source: Sequence[str]) -> tuple[SourceLine, ...]:
    """The lines that the witness goes through, indented as in the file as far as they are known."""
    known = {step.line: step.source for step in finding.steps if step.line and step.source}
    here = finding.location.line if finding.location else 0
    if finding.location and finding.location.source:
        known[here] = finding.location.source
    numbers = {step.line for step in finding.steps if step.line} | {here}
    known |= {number: source[number - 1] for number in numbers if 0 < number <= len(source)}
    shown = sorted(number for number in known if known[number].strip())
    if len(shown) > _SOURCE_LINES:
        shown = [here] if here in known else []
    return tuple(
        SourceLine(number, text, number == here)
        for number, text in zip(shown, _dedent([known[number] for number in shown]), strict=True)
    )


def listing(finding: Finding, source: Sequence[str]) -> tuple[SourceLine, ...]:
    """The source around everything that the witness goes through; all of a short one. Lines keep their indentation."""
    here = finding.location.line if finding.location else 0
    used = {step.line for step in finding.steps} | {here}
    near = {line + offset for line in used if line for offset in range(-_CONTEXT, _CONTEXT + 1)}
    shown = [n for n in range(1, len(source) + 1) if len(source) <= _LISTED_LINES // 4 or n in near]
    if len(shown) > _LISTED_LINES:
        shown = [number for number in shown if number in used]
    lines = [SourceLine(n, sanitize.source(source[n - 1]), n == here) for n in shown[:_LISTED_LINES]]
    while lines and not lines[-1].text.strip():
        lines.pop()
    return tuple(lines) or _source_lines(finding, source)


def _without_library(trace: str) -> str:
    """A traceback without the frames of Python's own files, which have absolute paths, unlike the submission."""
    kept, ours = [], True
    for line in trace.splitlines():
        if line.startswith('  File "'):
            ours = not line.startswith('  File "/')
        elif not line.startswith("   "):
            ours = True
        if ours:
            kept.append(line)
    return "\n".join(kept)


def _dedent(lines: Sequence[str]) -> list[str]:
    clean = [sanitize.source(line) for line in lines]
    margin = min((len(line) - len(line.lstrip(" ")) for line in clean), default=0)
    return [line[margin:].rstrip() for line in clean]
