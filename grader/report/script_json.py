"""What is known about a program, for programs: `grader/exploration/v1`. Start at `of_report`.

The keys of version 1 are always there; more may stand beside them (`warnings`, `failures`, `seconds`, `sandbox`, …).
"""

import platform
from typing import Any

from grader import __version__
from grader.core.verdict import DataRace, OutcomeClass, ScriptReport
from grader.report.json_report import if_any, of_finding, of_location, rounded

SCHEMA = "grader/exploration/v1"


def of_report(report: ScriptReport, path: str) -> dict[str, Any]:
    """The report on the program at `path`."""
    return {
        "schema": SCHEMA,
        "script": path,
        "sha256": report.sha256,
        "verdict": report.verdict.value,
        "executions": report.executions,
        "traces": report.traces,
        "stopped": report.stopped.value,
        "processes": report.processes,
        "identical_processes": list(report.identical),
        "threads": report.threads,
        "seconds": rounded(report.seconds),
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
        "more_outcomes": report.more_outcomes,
        "findings": [of_finding(finding) for finding in report.findings],
        "warnings": [_race(race) for race in report.warnings],
        "grader_version": __version__,
        "python_version": platform.python_version(),
        **if_any(sandbox=report.sandbox, unprotected=list(report.unprotected)),
        **({} if report.waits is None else {"waits": report.waits}),
        **if_any(draws=report.draws, depends=[one.value for one in report.depends], remark=report.remark),
    }


def _outcome(outcome: OutcomeClass) -> dict[str, Any]:
    return {
        "kind": outcome.kind.value,
        "count": outcome.count,
        "exit_codes": dict(outcome.exit_codes),
        "stdout": dict(outcome.stdout),
        "failures": dict(outcome.failures),
        "replay": outcome.replay,
    }


def _race(race: DataRace) -> dict[str, Any]:
    return {
        "kind": "data-race",
        "object": race.object,
        "accesses": list(race.accesses),
        "locations": [of_location(place) for place in race.locations],
    }
