"""Shows one failing schedule again, from its token. Start at `replay`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.core.verdict import Finding, OutcomeClass, WitnessStep
from grader.errors import UsageError
from grader.grading import sources, tokens
from grader.grading.catalogue import resolve
from grader.grading.check import replay_check
from grader.grading.flaws import Flaw, Wrong
from grader.grading.lab import ReplayRequest
from grader.grading.observed import Observed
from grader.grading.submission import load
from grader.grading.witness import witness
from grader.runtime.template import Template


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it: the finding if it failed again, and the whole schedule as steps; `source` is the file.

    `start` is what the shared objects held before the first step.
    Where the token was that of an outcome and not of a failure, `outcome` is what it came to this time.
    """

    finding: Finding | None
    steps: tuple[WitnessStep, ...]
    check: str
    processes: int
    source: Sequence[str]
    start: tuple[tuple[str, str], ...] = ()
    outcome: OutcomeClass | None = None


def replay(token: str, path: Path, exercise: str | None = None) -> Replay:
    """Run the schedule of `token` on the submission at `path`; `exercise` says where an instructor's own lies.

    Raises:
        UsageError: the token is none, or of other models or checks; the file cannot be read, or it has no such
            schedule any more.
        InternalError: the grader itself failed.
    """
    wanted = tokens.decode(token)
    submission = load(path)
    found = resolve(path, exercise or wanted.exercise)
    if wanted.checks != sources.checks(found):
        raise tokens.outdated("the checks")
    request = ReplayRequest(
        wanted.scenario,
        wanted.schedule(),
        wanted.kind,
        wanted.schedule_dependent,
        wanted.endless,
        wanted.draw,
    )
    with Template(hash_seed=wanted.hash_seed) as template:
        done, title = replay_check(template, submission, found, wanted.check, request)
    if done is None:
        raise UsageError(f"{path}: this token does not fit the file; check the file again for a new one")
    if done.finding is not None:
        again = done.finding
        return Replay(again, again.steps, title, done.scenario.processes, submission.lines, again.start)
    seen = Observed(done.scenario, done.execution)
    names = done.maker.names(done.execution)
    told = witness(seen, names, submission.lines, Flaw(Wrong.VALUE, ""))
    return Replay(None, told.steps, title, done.scenario.processes, submission.lines, told.start)
