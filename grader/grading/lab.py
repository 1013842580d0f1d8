"""What a check works with: it has scenarios explored, and keeps the evidence. Start at `Lab.explore`.

How a scenario is explored is in `grader.grading.examination`.
"""

from collections.abc import Callable, Sequence
from contextlib import closing

import msgspec

from grader.core.execution import Budget, Execution
from grader.core.verdict import Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.random_walk import PCT
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.tasks import TaskPath, TaskTable
from grader.errors import UsageError
from grader.grading.draws import LEFT_TO_CHANCE, Draws, Kept, Make, told_under
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
_WRONG = (FindingKind.RACE, FindingKind.WRONG_RESULT)


class CheckFailed(Exception):
    """The submission does not pass this check."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].message if findings else "failed")
        self.findings = tuple(findings)


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
    draw: int = 0


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
        """Run every function on the real primitives, under many process counts; nobody controls the order.

        What does not count, but is worth knowing, is in `remark` afterwards.

        Raises:
            CheckFailed: a run went wrong.
            Inconclusive: a run could not be judged.
        """
        if self._replay is not None:
            return
        try:
            with unpinned():
                sampled = sample(self._bench.open_runner, plan(self._bench.exercise))
        except UsageError as error:  # the machine does not allow the processes for it
            raise Inconclusive(Finding(FindingKind.INCONCLUSIVE, str(error))) from error
        self.evidence.append(Evidence(EvidenceLevel.SAMPLED, sampled.processes, len(sampled.performed)))
        self.remark = sampled.remark
        findings = [self._free_finding(flaw) for flaw in _different(sampled.flaws)]
        failed = [finding for finding in findings if finding.kind is not FindingKind.INCONCLUSIVE]
        if failed:
            raise CheckFailed(failed[:MOST_FINDINGS])
        if findings:
            raise Inconclusive(findings[0])

    def _free_finding(self, flaw: FreeFlaw) -> Finding:
        maker = self._maker(Scenario(), 0)
        output = without_traceback(flaw.output) if flaw.failure is not None else flaw.output
        return Finding(
            flaw.kind,
            flaw.message,
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

        def make(
            draw: int, budget: Budget, on_execution: Callable[[Execution], None], tasks: TaskTable
        ) -> Examination:
            return Examination(
                lambda fresh: self._bench.program(scenario, fresh=fresh or draw > 0, draw=draw),
                scenario,
                verdict,
                self._maker(scenario, number, draw),
                budget,
                on_execution,
                threads=self._bench.has_threads,
                tasks=tasks,
            )

        if self._replay is not None:
            raise self._replayed(make, scenario, number, self._replay)
        draws = Draws(
            make,
            self._budget if most is None else _at_most(self._budget, most),
            lambda _: self.on_execution(),
            asked_before=self._bench.imported.sources,
        )
        with closing(draws):
            self.evidence.append(draws.run(strategies))
            tally = draws.examination.tally
            if tally.first:
                raise CheckFailed(draws.findings())
            if tally.blocked is not None:
                raise Inconclusive(self._maker(scenario, number).inconclusive(tally.blocked))
            if draws.left_to_chance:
                self.remark = LEFT_TO_CHANCE

    def _maker(self, scenario: Scenario, number: int, draw: int = 0) -> FindingMaker:
        bench = self._bench
        origin = Origin(
            bench.submission,
            bench.sha256,
            bench.creations,
            bench.exercise,
            self._check,
            number,
            checks=bench.checks,
            draw=draw,
        )
        return FindingMaker(origin, scenario)

    def _replayed(self, make: Make, scenario: Scenario, number: int, request: ReplayRequest) -> ReplayDone:
        tally, maker = Tally(), self._maker(scenario, number, request.draw)
        strategy = Kept(request.schedule, endless=request.endless)
        with closing(make(request.draw, self._budget, lambda _: None, TaskTable())) as examination:
            examination.explore(strategy, tally, fresh=True, steps=len(request.schedule))
        finding: Finding | None = None
        if tally.first:
            flaw, execution = asked_for(tally, request.kind)
            depends = request.schedule_dependent
            found = maker.finding(flaw, execution, schedule_dependent=depends)
            finding = told_under(request.draw, found)
        elif tally.blocked is not None:
            finding = maker.inconclusive(tally.blocked)
        assert strategy.execution is not None
        return ReplayDone(scenario, strategy.execution, finding, maker)


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
