"""What a check works with: it has scenarios explored, and keeps the evidence. Start at `Lab.explore`.

How a scenario is explored is in `grader.grading.examination`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing

import msgspec

from grader.core.execution import Budget, Execution
from grader.core.verdict import Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.machine import World
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.random_walk import PCT
from grader.engine.strategies.replay import Replay
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.tasks import TaskPath
from grader.errors import UsageError
from grader.grading.examination import MOST_FINDINGS, SAMPLED_SCHEDULES, SEED, Examination, Tally, Verdict
from grader.grading.findings import OUTPUT_LIMIT, FindingMaker, Origin, without_traceback
from grader.grading.flaws import Flaw, Wrong
from grader.grading.free_plans import plan
from grader.grading.free_sampling import sample
from grader.grading.free_verdict import FreeFlaw
from grader.grading.hints_crash import help_for
from grader.grading.scenario import Scenario
from grader.grading.workbench import Workbench
from grader.runtime.pinning import unpinned

DEFAULT_BUDGET = Budget(executions=200, seconds=30.0, steps=3_000)
"""Executions decide, so that a verdict does not depend on how busy the machine is; seconds are the way out."""
RIGHT_UNDER_CONTROL = "Right under control, wrong when it runs free"
_WRONG = (FindingKind.RACE, FindingKind.WRONG_RESULT)


class CheckFailed(Exception):
    """The submission does not pass this check; what was found of `functions` otherwise is not to be relied on."""

    def __init__(self, findings: Sequence[Finding], functions: Collection[str] = ()) -> None:
        super().__init__(findings[0].message if findings else "failed")
        self.findings = tuple(findings)
        self.functions = frozenset(functions)


class Inconclusive(Exception):
    """The check could not be judged; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class ReplayDone(Exception):
    """In replay, the schedule that was asked for has been executed."""

    def __init__(
        self, scenario: Scenario, execution: Execution, finding: Finding | None, maker: FindingMaker
    ) -> None:
        super().__init__("replayed")
        self.scenario = scenario
        self.execution = execution
        self.finding = finding
        self.maker = maker


class ReplayRequest(msgspec.Struct, frozen=True):
    """Run only this schedule, of the scenario that a check explores as number `scenario`."""

    scenario: int
    schedule: tuple[TaskPath, ...]
    kind: FindingKind | None = None
    schedule_dependent: bool = True
    endless: bool = False


class Lab:
    """What a check works with: explores scenarios and keeps the evidence."""

    def __init__(
        self, bench: Workbench, check: str, budget: Budget, replay: ReplayRequest | None = None
    ) -> None:
        self._bench = bench
        self._check = check
        self._budget = budget
        self._replay = replay
        self._scenarios = 0
        self.evidence: list[Evidence] = []
        self.remark = ""
        self.free: Mapping[str, bool] | None = None
        """The functions to be run free, and whether each was right under control; None: all, and nothing is known."""
        self.on_execution: Callable[[], None] = lambda: None

    @property
    def source(self) -> str:
        """The submission's source."""
        return self._bench.submission.source

    def explore(self, scenario: Scenario, verdict: Verdict, most: int | None = None) -> None:
        """Explore every schedule, as far as the budget goes, with no more than `most` executions.

        Raises:
            CheckFailed: some schedule shows a flaw.
            Inconclusive: something happened that we do not control.
        """
        executions = self._budget.executions if most is None else min(most, self._budget.executions)
        self._examine(scenario, verdict, lambda: [BoundedWaits(executions)], most)

    def sample(self, scenario: Scenario, verdict: Verdict, schedules: int = SAMPLED_SCHEDULES) -> None:
        """Explore some schedules only, for process counts that cannot be exhausted. Raises like `explore`."""
        extremes = (schedules + 1) // 2
        self._examine(scenario, verdict, lambda: [Extremes(extremes), PCT(SEED, schedules - extremes)])

    def run_free(self) -> None:
        """Run the functions in `free` on the real primitives, under many process counts; nobody controls the order.

        What does not count, but is worth knowing, is in `remark` afterwards.

        Raises:
            CheckFailed: a run went wrong, and once more.
            Inconclusive: a run could not be judged.
            LookupError: there are no free runs for this exercise.
        """
        if self._replay is not None:
            return
        planned = plan(self._bench.exercise)
        if not planned:
            raise LookupError(
                "lab.run_free() has nothing to run: only the exercises that come with the grader have free runs"
            )
        if self.free is not None:
            planned = tuple(run for run in planned if run.function in self.free)
        try:
            with unpinned():
                sampled = sample(self._bench.open_runner, planned)
        except UsageError as error:  # the machine does not allow the processes for it
            raise Inconclusive(Finding(FindingKind.INCONCLUSIVE, str(error))) from error
        self.evidence.append(Evidence(EvidenceLevel.SAMPLED, sampled.processes, len(sampled.performed)))
        self.remark = sampled.remark
        findings = [self._free_finding(flaw) for flaw in _different(sampled.flaws)]
        failed = [finding for finding in findings if finding.kind is not FindingKind.INCONCLUSIVE]
        if failed:
            wrong = (flaw for flaw in sampled.flaws if flaw.kind is not FindingKind.INCONCLUSIVE)
            raise CheckFailed(failed[:MOST_FINDINGS], {flaw.function for flaw in wrong})
        if findings:
            raise Inconclusive(findings[0])

    def _free_finding(self, flaw: FreeFlaw) -> Finding:
        maker = self._maker(Scenario(), 0)
        output = without_traceback(flaw.output) if flaw.failure is not None else flaw.output
        was_right = self.free is not None and self.free.get(flaw.function, False)
        known = was_right and flaw.kind is not FindingKind.INCONCLUSIVE
        return Finding(
            flaw.kind,
            f"{RIGHT_UNDER_CONTROL}: {flaw.message}" if known else flaw.message,
            help=help_for(flaw.failure) if flaw.failure is not None else "",
            schedule_dependent=flaw.kind is FindingKind.RACE,
            processes=flaw.processes,
            location=maker.location(flaw.line),
            expected=flaw.expected,
            got=flaw.got,
            output=output[:OUTPUT_LIMIT],
            failure=flaw.failure,
        )

    def _examine(
        self,
        scenario: Scenario,
        verdict: Verdict,
        strategies: Callable[[], Sequence[Strategy]],
        most: int | None = None,
    ) -> None:
        number, self._scenarios = self._scenarios, self._scenarios + 1
        if self._replay is not None and self._replay.scenario != number:
            return
        maker = self._maker(scenario, number)
        examination = Examination(
            lambda fresh: self._bench.program(scenario, fresh=fresh),
            scenario,
            verdict,
            maker,
            self._budget if most is None else _at_most(self._budget, most),
            lambda _: self.on_execution(),
            threads=self._bench.has_threads,
        )
        with closing(examination):
            if self._replay is not None:
                raise self._replayed(examination, maker, scenario, self._replay)
            self.evidence.append(examination.run(strategies))
            if examination.tally.first:
                raise CheckFailed(examination.findings())
            if examination.tally.blocked is not None:
                raise Inconclusive(maker.inconclusive(examination.tally.blocked))

    def _maker(self, scenario: Scenario, number: int) -> FindingMaker:
        bench = self._bench
        origin = Origin(
            bench.submission,
            bench.sha256,
            bench.creations,
            bench.exercise,
            self._check,
            number,
            checks=bench.checks,
        )
        return FindingMaker(origin, scenario)

    def _replayed(
        self, examination: Examination, maker: FindingMaker, scenario: Scenario, request: ReplayRequest
    ) -> ReplayDone:
        tally = Tally()
        kept: list[Execution] = []
        strategy = _Watched(request.schedule, kept, endless=request.endless)
        examination.explore(strategy, tally, fresh=True, steps=len(request.schedule))
        finding: Finding | None = None
        if tally.first:
            flaw, execution = asked_for(tally, request.kind)
            depends = request.schedule_dependent
            finding = maker.finding(flaw, execution, schedule_dependent=depends)
        elif tally.blocked is not None:
            finding = maker.inconclusive(tally.blocked)
        return ReplayDone(scenario, kept[0], finding, maker)


class _Watched(Replay):
    """A replay whose execution is kept, whatever comes of it."""

    def __init__(self, schedule: Sequence[TaskPath], kept: list[Execution], *, endless: bool) -> None:
        super().__init__(schedule, lenient=True, endless=endless)
        self._kept = kept

    def finished(self, execution: Execution, world: World) -> None:
        self._kept.append(execution)


def _at_most(budget: Budget, executions: int) -> Budget:
    return msgspec.structs.replace(budget, executions=min(budget.executions, executions))


def _different(flaws: Sequence[FreeFlaw]) -> list[FreeFlaw]:
    """Of flaws that are the same exception in the same line only the first."""
    found: dict[object, FreeFlaw] = {}
    for number, flaw in enumerate(flaws):
        failure = flaw.failure
        same = (flaw.kind, flaw.line, failure.type, failure.message) if failure is not None else number
        found.setdefault(same, flaw)
    return list(found.values())


def asked_for(tally: Tally, kind: FindingKind | None) -> tuple[Flaw, Execution]:
    """The flaw that a replay is about, or the first that there is."""
    for flaw_kind, found in tally.first.items():
        if flaw_kind is kind or (flaw_kind is Wrong.VALUE and kind in _WRONG):
            return found
    return next(iter(tally.first.values()))
