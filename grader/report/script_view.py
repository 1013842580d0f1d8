"""The view of what is known about a program: its verdict in a sentence, its outcomes, findings and warnings.

Start at `of_report`; `grader.report.view` does the same for a submission.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from grader.core.execution import OutcomeKind, StopReason
from grader.core.verdict import DataRace, OutcomeClass, ScriptReport, Verdict
from grader.report import sanitize, words
from grader.report.view import FindingView, of_finding, task_order

_MOST_SHOWN = 8
_MOST_PROCESSES = 6
_MOST_LINES = 6
_MOST_WARNINGS = 6
_LINE_LIMIT = 70
_ENDINGS = {
    OutcomeKind.COMPLETED: "every process ends",
    OutcomeKind.DEADLOCK: "nobody can go on (deadlock)",
    OutcomeKind.LIVELOCK: "goes round for ever",
    OutcomeKind.HUNG: "never ends",
    OutcomeKind.CRASHED: "a process dies",
}

Printed: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""Per process, the lines that it printed."""


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """One outcome: in how many orders it was seen, how it ends, and, per process, what was printed."""

    count: str
    ending: str
    printed: Printed
    replay: str


@dataclass(frozen=True, slots=True)
class ScriptView:
    """A program's report. `headline` is the verdict in words, `basis` what it rests on."""

    script: str
    verdict: Verdict
    headline: str
    basis: str
    outcomes: tuple[OutcomeView, ...]
    more_outcomes: str
    findings: tuple[FindingView, ...]
    warnings: tuple[str, ...]
    summary: str
    unprotected: str = ""
    """What the program could have reached; empty if it was closed off."""


def of_report(report: ScriptReport, path: str) -> ScriptView:
    """The view of the program at `path`, the path as it was given."""
    shown = report.outcomes[:_MOST_SHOWN]
    more = len(report.outcomes) - len(shown) + report.more_outcomes
    return ScriptView(
        script=sanitize.line(path),
        verdict=report.verdict,
        headline=_headline(report),
        basis=_basis(report),
        outcomes=_outcomes(shown, path),
        more_outcomes=f"and {words.count(more, 'outcome')} more" if more else "",
        # What it printed in the order of a finding stands among the outcomes.
        findings=tuple(
            replace(of_finding(finding, report.source, path), output=()) for finding in report.findings
        ),
        warnings=_warnings(report.warnings),
        summary=f"{report.verdict.value} · {words.count(report.executions, 'order')} · "
        f"{words.seconds(report.seconds)}",
        unprotected=words.unprotected(report),
    )


def _headline(report: ScriptReport) -> str:
    if report.verdict is Verdict.VERIFIED:
        limit = f", {words.waits(report.waits)}" if report.waits is not None else ""
        return f"verified: it comes out the same in every order that matters{limit}"
    if report.verdict is Verdict.BOUNDED:
        return f"no failure in {words.count(report.executions, 'order')} (bounded)"
    if report.verdict is Verdict.FAILED:
        return "failed: " + ", ".join(dict.fromkeys(finding.kind.value for finding in report.findings))
    interrupted = report.stopped is StopReason.INTERRUPTED
    return "inconclusive: " + ("interrupted too early" if interrupted else "it cannot be judged")


def _basis(report: ScriptReport) -> str:
    parts = [words.count(report.processes, "process")]
    parts.append(words.count(report.executions, "order") + " tried")
    if report.identical:
        sizes = " and ".join(map(str, report.identical))
        parts.append(f"orders among {sizes} identical processes count once")
    if report.threads:
        parts.append(f"{words.THREADS}, not between other instructions")
    parts += words.depends(report.depends, report.draws)
    explained = bool(report.threads or report.depends) and report.stopped is StopReason.EXHAUSTED
    if report.verdict is Verdict.BOUNDED and not explained:
        parts.append(_STOPPED.get(report.stopped, "there are more"))
    if report.remark:
        parts.append(f"note: {report.remark}")
    return ", ".join(parts)


_STOPPED = {
    StopReason.SECONDS: "there are more; try a larger --budget",
    StopReason.INTERRUPTED: "interrupted before the end",
}


def in_words(outcome: OutcomeClass) -> tuple[str, ...]:
    """One outcome, line by line: how it ended, and what each process printed."""
    return lines_of(_ending(outcome), _printed(outcome, list(outcome.stdout)[:_MOST_PROCESSES]))


def lines_of(ending: str, printed: Printed) -> tuple[str, ...]:
    """An ending, and below it what each process printed."""
    lines = [ending]
    for who, text in printed:
        first, *others = text or ("",)
        head = f"{who} prints  "
        lines.append(head + first)
        lines.extend(" " * len(head) + line for line in others)
    return tuple(lines)


def _printed(outcome: OutcomeClass, shown: Sequence[str]) -> Printed:
    return tuple(
        (sanitize.line(who, limit=30), _lines(outcome.stdout.get(who, "")))
        for who in shown
        if outcome.stdout.get(who, "").strip()
    )


def _outcomes(outcomes: Sequence[OutcomeClass], path: str) -> tuple[OutcomeView, ...]:
    shown = _telling(outcomes)
    return tuple(
        OutcomeView(
            count=f"{outcome.count:,}",
            ending=_ending(outcome),
            printed=_printed(outcome, shown),
            replay=sanitize.line(sanitize.command("grader", "replay", outcome.replay, path), limit=4000),
        )
        for outcome in outcomes
    )


def _lines(text: str) -> tuple[str, ...]:
    lines = sanitize.block(text, _MOST_LINES)
    return tuple(line if len(line) <= _LINE_LIMIT else line[: _LINE_LIMIT - 1] + "…" for line in lines)


def _telling(outcomes: Sequence[OutcomeClass]) -> list[str]:
    """The processes whose output is shown: of several outcomes only those that print different things."""
    everybody = list(dict.fromkeys(who for outcome in outcomes for who in outcome.stdout))
    if len(outcomes) > 1:
        everybody = [
            who for who in everybody if len({outcome.stdout.get(who, "") for outcome in outcomes}) > 1
        ]
    return sorted(everybody, key=task_order)[:_MOST_PROCESSES]


def _ending(outcome: OutcomeClass) -> str:
    text = _ENDINGS.get(outcome.kind, outcome.kind.value)
    if outcome.failures:
        deaths = [f"{who}: {failure}" for who, failure in outcome.failures.items()]
        return sanitize.line(f"{text}; {'; '.join(deaths[:3])}", limit=200)
    odd = [f"{who} with exit code {code}" for who, code in outcome.exit_codes.items() if code > 0]
    ended = [who for who, code in outcome.exit_codes.items() if code < 0]
    if ended:
        odd.append(f"{ended[0] if len(ended) == 1 else words.count(len(ended), 'process')} by a signal")
    return sanitize.line(f"{text}, {', '.join(odd[:3])}" if odd else text, limit=200)


def _warnings(races: Sequence[DataRace]) -> tuple[str, ...]:
    told = [_warning(race) for race in races[:_MOST_WARNINGS]]
    more = len(races) - len(told)
    return (*told, f"and {more} more") if more else tuple(told)


def _warning(race: DataRace) -> str:
    verbs = {"read": "reads", "write": "writes"}
    (first, second), (here, there) = race.accesses, race.locations
    if here.line == there.line:
        both = first if first == second else "read and write"
        what = f"processes {both} {race.object} in line {here.line}"
    else:
        what = (
            f"one process {verbs[first]} {race.object} in line {here.line} "
            f"while another {verbs[second]} it in line {there.line}"
        )
    return sanitize.line(f"data race: {what}, and nothing keeps them apart", limit=300)
