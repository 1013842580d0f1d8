"""Grades one submission. Start at `grade_file`; `grade` does the same with a template that is already warm."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.core.execution import Budget
from grader.core.verdict import CheckResult, CheckStatus, Grade
from grader.errors import InternalError, MachineError, UsageError
from grader.grading import hash_seeds, imports, seeds, sources
from grader.grading.catalogue import Exercise, resolve
from grader.grading.lab import DEFAULT_BUDGET, ReplayDone, ReplayRequest
from grader.grading.plugin import GradingPlugin, run_checks
from grader.grading.required import Required
from grader.grading.submission import Submission, load
from grader.grading.workbench import NotImported, Workbench, open_workbench
from grader.runtime.blame import once_more
from grader.runtime.pinning import pinned
from grader.runtime.template import SubmissionText, Template

CHECK_TIMEOUT = 900.0
"""Seconds after which pytest-timeout gives up a check, as the last resort: everything else has smaller limits."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to grade: whether to run on the real primitives too, and how many executions one exploration may make.

    `unsafe`: the submission is trusted, and not closed off from the machine. Random orders come from `secret`.
    """

    free_runs: bool = True
    executions: int | None = None
    unsafe: bool = False
    secret: bytes = b""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a grading is: the title of the check, and how many executions it has made."""

    check: str
    executions: int


def grade_file(
    path: Path,
    exercise: str | None = None,
    options: CheckOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Grade:
    """Grade the file at `path`; its name tells the exercise unless `exercise` does.

    Raises:
        UsageError: the file cannot be read, or there is no such exercise.
        InternalError: the grader itself failed.
    """
    submission = load(path)
    found = resolve(path, exercise)
    options = options or CheckOptions()
    with Template(unsafe=options.unsafe) as template:
        return grade(template, submission, found, options, progress)


def grade(
    template: Template,
    submission: Submission,
    exercise: Exercise,
    options: CheckOptions,
    progress: Callable[[Progress], None] | None = None,
) -> Grade:
    """Grade a submission with a running template; once more, if the machine has not let it be graded.

    Raises:
        MachineError: the machine has not let it be graded again.
        InternalError: like `grade_file`.
    """
    started = time.monotonic()
    hash_seed = hash_seeds.seed_for(submission.text, options.secret, submission.sha256)
    with template.under(hash_seed) as seeded:

        def attempt(last: bool) -> tuple[CheckResult, ...]:
            return _results(_checked(seeded, submission, exercise, options, progress, last=last), exercise)

        checks = once_more(attempt)
        isolation = seeded.isolation()
    return Grade(
        submission=submission.name,
        sha256=submission.sha256,
        exercise=exercise.name,
        checks=checks,
        seconds=round(time.monotonic() - started, 3),
        source=submission.lines,
        sandbox=isolation.line,
        unprotected=isolation.missing,
        remarks=imports.remarks(submission.text) if exercise.folder is None else (),
    )


def replay_check(
    template: Template, submission: Submission, exercise: Exercise, check: str, request: ReplayRequest
) -> tuple[ReplayDone | None, str]:
    """Run one schedule of one check again; None if the check does not come to that scenario any more.

    The text is the check's title.

    Raises:
        UsageError: the file cannot be imported, or a function is missing.
    """

    def attempt(last: bool) -> GradingPlugin:
        wanted = CheckOptions(free_runs=False)
        done = _checked(template, submission, exercise, wanted, None, (check, request), last=last)
        done.raise_fault()
        return done

    plugin = once_more(attempt)
    if plugin.obstacle is not None:
        raise UsageError(f"{submission.name}: {plugin.obstacle.finding.message}")
    return plugin.replayed, plugin.title(check)


def _checked(
    template: Template,
    submission: Submission,
    exercise: Exercise,
    options: CheckOptions,
    progress: Callable[[Progress], None] | None,
    replay: tuple[str, ReplayRequest] | None = None,
    *,
    last: bool,
) -> GradingPlugin:
    required = Required(exercise.functions, submission.text, submission.name)
    text = SubmissionText(exercise.name, submission.name, submission.text)
    checks = sources.checks(exercise)

    def tell(check: str, executions: int) -> None:
        if progress is not None:
            progress(Progress(check, executions))

    def seed_of(check: str) -> int:
        return seeds.derived(options.secret, submission.sha256, exercise.name, check)

    def run(bench: Workbench | None) -> GradingPlugin:
        plugin = GradingPlugin(bench, required, _budget(options), tell, options.free_runs, replay, seed_of)
        _run_checks(plugin, exercise)
        return plugin

    with pinned():
        try:
            with open_workbench(template, text, exercise.name, submission.sha256, checks, last=last) as bench:
                required.probed(bench.probe(required.calls()))
                return run(bench)
        except NotImported as error:
            required.not_imported(error.execution, error.failure)
        return run(None)


def _run_checks(plugin: GradingPlugin, exercise: Exercise) -> None:
    if exercise.folder is None:
        run_checks(f"grader.checks.{exercise.name}", plugin, CHECK_TIMEOUT)
        return
    with _blamed_on(exercise.folder):
        run_checks(str(exercise.folder / "checks.py"), plugin, CHECK_TIMEOUT)


def _results(plugin: GradingPlugin, exercise: Exercise) -> tuple[CheckResult, ...]:
    if exercise.folder is None:
        return plugin.results()
    with _blamed_on(exercise.folder):
        results = plugin.results()
        for check in results:
            if check.status is CheckStatus.PASSED and not check.evidence:
                raise InternalError(
                    f"the check “{check.title}” has explored nothing; have it call `lab.explore`"
                )
        return results


@contextmanager
def _blamed_on(folder: Path) -> Iterator[None]:
    """Checks that do not work are a bug of ours, unless somebody else has written them."""
    try:
        yield
    except MachineError:
        raise
    except InternalError as error:
        raise UsageError(f"{folder / 'checks.py'}: {error}") from error


def _budget(options: CheckOptions) -> Budget:
    if options.executions is None:
        return DEFAULT_BUDGET
    return msgspec.structs.replace(DEFAULT_BUDGET, executions=options.executions)
