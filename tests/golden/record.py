"""What a record holds, and how it is made of a grade. Start at `of_grade`.

Left out is what is different each time or on each machine: times, paths, addresses in memory, versions, the level of
isolation. Long texts are cut; a digest of the whole stands beside, so that a difference behind the cut is seen, too.
"""

import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from grader.core.verdict import CheckResult, Evidence, Finding, Grade, WitnessStep
from grader.errors import UsageError
from grader.grading import tokens
from tests.golden.stability import steady

ROOT = Path(__file__).resolve().parents[2]
_TEXT_LIMIT = 400
_MOST_STEPS = 60
_HERE = {f"{ROOT}/": "", f"{sys.prefix}/": "<python>/", f"{sys.base_prefix}/": "<python>/"}
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")


class EvidenceRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """See `grader.core.verdict.Evidence`."""

    level: str
    processes: list[int]
    executions: int
    threads: bool = False


class CheckRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one check ended; `score` is `1/2.5`: the points earned, and those there are."""

    status: str
    score: str
    evidence: list[EvidenceRecord] = []
    reason: str = ""


class FindingRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Why a check failed. `replay` is what the token says, not its letters, which depend on the machine's zlib."""

    check: str
    kind: str
    message: str
    schedule_dependent: bool = False
    processes: int = 0
    line: int = 0
    help: str = ""
    expected: str = ""
    got: str = ""
    output: str = ""
    replay: str = ""
    start: str = ""
    steps: list[str] = []


class SubmissionRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the grader says of one submission; `problem`: why there is no grade."""

    score: str = ""
    problem: str = ""
    checks: dict[str, CheckRecord] = {}
    findings: list[FindingRecord] = []


class LitmusRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the exploration of a litmus program counts.

    `kinds` says how many executions ended in which way, `endings` how many different ends there are, `identical` the
    sizes of the groups of tasks among which orders count once.
    """

    executions: int
    traces: int
    pruned: int
    stopped: str
    kinds: dict[str, int]
    endings: int
    identical: list[int] = []


def of_grade(grade: Grade) -> SubmissionRecord:
    """The record of a grade."""
    return SubmissionRecord(
        _points(grade.score, grade.max_score),
        checks={check.name: _check(check) for check in grade.checks},
        findings=[
            _finding(check.name, finding, grade.source)
            for check in grade.checks
            for finding in check.findings
        ],
    )


def of_problem(problem: str) -> SubmissionRecord:
    """The record of what could not be graded."""
    return SubmissionRecord(problem=plain(problem))


def plain(text: str, limit: int = _TEXT_LIMIT) -> str:
    """`text` without what is different each time, and not longer than `limit`."""
    for folder, shown in _HERE.items():
        text = text.replace(folder, shown)
    text = _ADDRESS.sub("0x…", text)
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters, digest {_digest(text)})"


def _check(check: CheckResult) -> CheckRecord:
    return CheckRecord(
        check.status.value,
        _points(check.score, check.max_score),
        [_evidence(entry) for entry in check.evidence],
        plain(check.reason),
    )


def _evidence(entry: Evidence) -> EvidenceRecord:
    return EvidenceRecord(entry.level.value, list(entry.processes), entry.executions, entry.threads)


def _finding(check: str, finding: Finding, source: Sequence[str]) -> FindingRecord:
    message, line = steady(finding, source)
    return FindingRecord(
        check,
        finding.kind.value,
        plain(message),
        finding.schedule_dependent,
        finding.processes,
        line,
        plain(finding.help),
        plain(finding.expected),
        plain(finding.got),
        plain(finding.output),
        _replay(finding.replay),
        _pairs(finding.start),
        _steps(finding.steps),
    )


def _steps(steps: Sequence[WitnessStep]) -> list[str]:
    shown = [_step(step) for step in steps]
    if len(shown) <= _MOST_STEPS:
        return shown
    rest = shown[_MOST_STEPS:]
    return [*shown[:_MOST_STEPS], f"… {len(rest)} more steps, digest {_digest(chr(10).join(rest))}"]


def _step(step: WitnessStep) -> str:
    """One step as one line: task, line of the file, what it does, and what that changes."""
    parts = [
        f"{step.task}:{step.line or '-'}",
        step.operation,
        step.object,
        f"= {step.value}" if step.value else "",
        "[waits]" if not step.executed else "",
        "[clash]" if step.conflict else "",
        f"({step.note})" if step.note else "",
        f"{{{_pairs(step.state)}}}" if step.state else "",
    ]
    return plain(" ".join(part for part in parts if part))


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return plain(", ".join(f"{name}: {held}" for name, held in pairs))


def _replay(text: str) -> str:
    """The meaning of a replay token: scenario, claim, and who goes for how many steps."""
    if not text:
        return ""
    try:
        token = tokens.decode(text)
    except UsageError as error:
        return f"no token: {error}"
    names = [".".join(map(str, path)) or "main" for path in token.paths]
    runs = " ".join(f"{names[which]}*{count}" for which, count in zip(token.runs[::2], token.runs[1::2]))
    kind = token.kind.value if token.kind is not None else "anything"
    return plain(f"{token.exercise} {token.check} {token.scenario}, {kind}: {runs}")


def _points(earned: float, most: float) -> str:
    return f"{round(earned, 3):g}/{round(most, 3):g}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
