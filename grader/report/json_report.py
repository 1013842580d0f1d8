"""The report for programs: `grader/grade/v1`, and `grader/error/v1` for a file that could not be graded.

Start at `entry`. The keys of version 1 are always there. More keys may stand beside them where there is more to say
(`path`, `further_evidence`, `threads`, `waits`, `seed`, `inputs`, `reason`, `expected`, `got`, `output`, `note`,
`conflict`, `executed`, `repeats`, `sandbox`, `unprotected`, `remarks`, `start`, `state`, `graded_by`): a reader skips
those that it does not know. `remarks` are for the instructor, and no faults. Steps with `repeats` would be made again
and again, for ever. `start` of a finding maps the names of shared objects to what they held before the first step,
`state` of a step those that hold something else afterwards; `graded_by` is the grader of a grade in a book that
`grader_version` has only written out. Text of the submission is not altered, but a lone surrogate, which is no Unicode,
is replaced, so that the
document is always valid UTF-8; invisible characters are written as `\\uXXXX`.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from grader import __version__
from grader.core.verdict import CheckResult, Evidence, Finding, Grade, Location, WitnessStep
from grader.report import sanitize
from grader.report.outcome import Outcome
from grader.report.streams import write_utf8

GRADE_SCHEMA = "grader/grade/v1"
ERROR_SCHEMA = "grader/error/v1"


def write(entries: Sequence[dict[str, Any]], stream: TextIO) -> None:
    """Print one object, or a list of several, as UTF-8 whatever the locale says."""
    write_utf8(text_of(entries[0] if len(entries) == 1 else entries), stream)


def text_of(document: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """A document as the text of a file, with invisible characters escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return sanitize.escape_hidden(sanitize.json_text(text)) + "\n"


def entry(outcome: Outcome) -> dict[str, Any]:
    """What stands in the document for one file."""
    path = outcome.submission
    return of_grade(outcome.grade, path) if outcome.grade is not None else of_error(path, outcome.error)


def of_error(path: str, error: str) -> dict[str, Any]:
    """A file without a grade, and why, as `grader/error/v1`."""
    return {"schema": ERROR_SCHEMA, "submission": path, "path": path, "error": error}


def of_grade(grade: Grade, path: str = "") -> dict[str, Any]:
    """A grade as `grader/grade/v1`; `path` is the submission as the user named it, if anybody did."""
    return {
        "schema": GRADE_SCHEMA,
        "submission": grade.submission,
        **if_any(path=path),
        "sha256": grade.sha256,
        "exercise": grade.exercise,
        "passed": grade.passed,
        "score": rounded(grade.score),
        "max_score": rounded(grade.max_score),
        "seconds": rounded(grade.seconds),
        "checks": [_check(check) for check in grade.checks],
        "grader_version": __version__,
        "python_version": platform.python_version(),
        **if_any(sandbox=grade.sandbox, unprotected=list(grade.unprotected), remarks=list(grade.remarks)),
    }


def _check(check: CheckResult) -> dict[str, Any]:
    evidence = [_evidence(entry) for entry in check.evidence]
    return {
        "name": check.name,
        "title": check.title,
        "function": check.function,
        "status": check.status.value,
        "score": rounded(check.score),
        "max_score": rounded(check.max_score),
        "seconds": rounded(check.seconds),
        "evidence": evidence[0] if evidence else None,
        "findings": [of_finding(finding) for finding in check.findings],
        **if_any(further_evidence=evidence[1:], reason=check.reason),
    }


def _evidence(entry: Evidence) -> dict[str, Any]:
    return {
        "level": entry.level.value,
        "processes": list(entry.processes),
        "executions": entry.executions,
        **if_any(threads=entry.threads, inputs=entry.inputs),
        **({} if entry.waits is None else {"waits": entry.waits}),
        **({} if entry.seed is None else {"seed": entry.seed}),
        **if_any(draws=entry.draws, depends=[one.value for one in entry.depends]),
    }


def of_finding(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in `grader/grade/v1` (and in `grader/exploration/v1`)."""
    return {
        "kind": finding.kind.value,
        "schedule_dependent": finding.schedule_dependent,
        "processes": finding.processes,
        "message": finding.message,
        "help": finding.help,
        "location": of_location(finding.location) if finding.location else None,
        "replay": finding.replay,
        "steps": [_step(step) for step in finding.steps],
        **if_any(
            expected=finding.expected,
            got=finding.got,
            output=finding.output,
            start=dict(finding.start),
            draw=finding.draw,
        ),
    }


def of_location(place: Location) -> dict[str, Any]:
    """A line of the submission."""
    return {"file": place.file, "line": place.line, "source": place.source}


def _step(step: WitnessStep) -> dict[str, Any]:
    return {
        "task": step.task,
        "operation": step.operation,
        "object": step.object,
        "line": step.line,
        "value": step.value,
        **if_any(note=step.note, conflict=step.conflict, state=dict(step.state), repeats=step.repeats),
        **({} if step.executed else {"executed": False}),
    }


def if_any(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value}


def rounded(number: float) -> float:
    """Points or seconds, as exact as anybody wants them."""
    return round(float(number), 3)
