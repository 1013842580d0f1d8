"""Explores a check's scenarios and turns what it sees into evidence and findings.

Start at `Lab.explore`. The order of work: DPOR until it is exhausted or its budget is spent; if it is spent, random
schedules (PCT) on top, because depth-first search sees only one corner of a large space; and when something is wrong,
a sweep with few preemptions for a shorter way to show it. A witness is replayed before it is believed.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from typing import TypeAlias

import msgspec

from grader.core.execution import Budget, Execution, OutcomeKind, StopReason
from grader.core.verdict import Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.explorer import Exploration, explore
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.brute_force import BruteForce
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.random_walk import PCT
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskPath, TaskTable
from grader.grading.findings import OUTPUT_LIMIT, FindingMaker
from grader.grading.flaws import Flaw, Wrong, general_flaws
from grader.grading.free_plans import plan
from grader.grading.free_sampling import sample
from grader.grading.free_verdict import FreeFlaw
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.grading.workbench import Workbench
from grader.runtime.pinning import unpinned

Verdict: TypeAlias = Callable[[Observed], Sequence[Flaw]]
"""Says what is wrong with a completed execution: nothing, or flaws with the root cause first."""

DEFAULT_BUDGET = Budget(executions=400, seconds=3.0, steps=3_000)
SAMPLED_SCHEDULES = 30
AFTER_FAILURE = 40
"""How many more executions are made after the first wrong result, to see whether any schedule goes well."""
AFTER_OTHER_FAILURE = 8
"""Likewise after any other failure."""
SHORTEN_EXECUTIONS = 120
MOST_PREEMPTIONS = 2
MOST_FINDINGS = 3
_SEED = 20_140_122
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


class _Tally(msgspec.Struct):
    """What the executions of one scenario showed: per kind of flaw its first execution and their number."""

    judged: int = 0
    good: int = 0
    counts: dict[FindingKind | Wrong, int] = {}
    first: dict[FindingKind | Wrong, tuple[Flaw, Execution]] = {}
    blocked: Flaw | None = None
    since_failure: int = 0
    entered: bool = False

    def add(self, flaws: Sequence[Flaw], execution: Execution) -> None:
        self.judged += 1
        self.good += not flaws
        self.since_failure += bool(self.first)
        for flaw in flaws:
            self.first.setdefault(flaw.kind, (flaw, execution))
        for kind in {flaw.kind for flaw in flaws}:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    @property
    def undecided(self) -> bool:
        """Whether some flaw was there in every execution so far, so that a good schedule is worth looking for."""
        if self.blocked is not None or FindingKind.HANG in self.first:
            return False  # a hang costs its whole CPU limit, again and again
        patience = AFTER_FAILURE if Wrong.VALUE in self.first else AFTER_OTHER_FAILURE
        return self.since_failure < patience and self.judged in self.counts.values()


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
        self.on_execution: Callable[[], None] = lambda: None

    @property
    def source(self) -> str:
        """The submission's source."""
        return self._bench.submission.source

    def explore(self, scenario: Scenario, verdict: Verdict) -> None:
        """Explore every schedule, as far as the budget goes.

        Raises:
            CheckFailed: some schedule shows a flaw.
            Inconclusive: something happened that we do not control.
        """
        self._examine(scenario, verdict, [Dpor()])

    def sample(self, scenario: Scenario, verdict: Verdict, schedules: int = SAMPLED_SCHEDULES) -> None:
        """Explore some schedules only, for process counts that cannot be exhausted. Raises like `explore`."""
        extremes = (schedules + 1) // 2
        self._examine(scenario, verdict, [Extremes(extremes), PCT(_SEED, schedules - extremes)])

    def run_free(self) -> None:
        """Run every function on the real primitives, under many process counts; nobody controls the order.

        Raises:
            CheckFailed: a run went wrong.
            Inconclusive: a run could not be judged.
        """
        if self._replay is not None:
            return
        with unpinned():
            sampled = sample(self._bench.open_runner, plan(self._bench.exercise))
        self.evidence.append(Evidence(EvidenceLevel.SAMPLED, sampled.processes, len(sampled.performed)))
        findings = [self._free_finding(flaw) for flaw in sampled.flaws]
        failed = [finding for finding in findings if finding.kind is not FindingKind.INCONCLUSIVE]
        if failed:
            raise CheckFailed(failed[:MOST_FINDINGS])
        if findings:
            raise Inconclusive(findings[0])

    def _free_finding(self, flaw: FreeFlaw) -> Finding:
        maker = FindingMaker(self._bench, Scenario(), self._check, 0)
        return Finding(
            flaw.kind,
            flaw.message,
            schedule_dependent=flaw.kind is FindingKind.RACE,
            processes=flaw.processes,
            location=maker.location(flaw.line),
            expected=flaw.expected,
            got=flaw.got,
            output=flaw.output[:OUTPUT_LIMIT],
            failure=flaw.failure,
        )

    def _examine(self, scenario: Scenario, verdict: Verdict, strategies: Sequence[Strategy]) -> None:
        number, self._scenarios = self._scenarios, self._scenarios + 1
        maker = FindingMaker(self._bench, scenario, self._check, number)
        if self._replay is not None:
            if self._replay.scenario == number:
                self._replay_one(scenario, verdict, maker, self._replay)
            return
        tally = _Tally()
        executions, verified = self._run_all(scenario, verdict, maker, strategies, tally)
        wrong_so_far = tally.blocked is None and tally.counts.get(Wrong.VALUE) == tally.judged
        if not verified and (wrong_so_far or (not tally.first and isinstance(strategies[0], Dpor))):
            extra = [Extremes(SAMPLED_SCHEDULES), PCT(_SEED, SAMPLED_SCHEDULES)]
            tally.since_failure = 0
            executions += self._run_all(scenario, verdict, maker, extra, tally)[0]
        level = EvidenceLevel.VERIFIED if verified and tally.entered else EvidenceLevel.BOUNDED
        self.evidence.append(Evidence(level, (scenario.processes,), executions))
        if tally.first:
            raise CheckFailed(self._findings(scenario, verdict, maker, tally))
        if tally.blocked is not None:
            raise Inconclusive(maker.inconclusive(tally.blocked))

    def _run_all(
        self,
        scenario: Scenario,
        verdict: Verdict,
        maker: FindingMaker,
        strategies: Sequence[Strategy],
        tally: _Tally,
    ) -> tuple[int, bool]:
        """Executions made, and whether they covered every schedule; stops at a decided failure."""
        executions, verified = 0, False
        for strategy in strategies:
            exploration = self._run(scenario, verdict, maker, strategy, self._budget, tally)
            executions += exploration.executions
            verified = verified or (exploration.stopped is StopReason.EXHAUSTED and tally.blocked is None)
            if tally.blocked is not None or (tally.first and not tally.undecided):
                break
        return executions, verified

    def _run(
        self,
        scenario: Scenario,
        verdict: Verdict,
        maker: FindingMaker,
        strategy: Strategy,
        budget: Budget,
        tally: _Tally,
    ) -> Exploration:
        def watch(execution: Execution) -> bool:
            self.on_execution()
            return self._judge(scenario, verdict, maker.names(execution), execution, tally)

        with closing(self._bench.program(scenario)) as program:
            return explore(program, strategy, budget, watch)

    def _judge(
        self, scenario: Scenario, verdict: Verdict, names: Names, execution: Execution, tally: _Tally
    ) -> bool:
        """Count one execution; whether it is worth going on."""
        outcome = execution.outcome
        if outcome.kind in (OutcomeKind.UNCONTROLLED, OutcomeKind.DIVERGED):
            tally.blocked = Flaw(FindingKind.INCONCLUSIVE, _blocked_message(execution), line=outcome.line)
            return bool(tally.first) and tally.since_failure < AFTER_FAILURE
        seen = Observed(scenario, execution)
        flaws = general_flaws(seen, names)
        if not flaws and seen.completed:
            flaws = list(verdict(seen))
        tally.entered = tally.entered or bool(execution.trace)
        tally.add(flaws, execution)
        if not tally.first:
            return True
        if outcome.kind is OutcomeKind.HUNG:
            return False
        return tally.undecided

    def _findings(
        self, scenario: Scenario, verdict: Verdict, maker: FindingMaker, tally: _Tally
    ) -> list[Finding]:
        findings: list[Finding] = []
        for kind, (flaw, execution) in list(tally.first.items())[:MOST_FINDINGS]:
            depends = tally.counts[kind] < tally.judged
            flaw, execution = self._shorten(scenario, verdict, maker, flaw, execution)
            if not self._fails_again(scenario, verdict, maker, flaw, execution):
                message = (
                    "A failing order was found, but the program did something else when it was run again."
                )
                findings.append(maker.inconclusive(Flaw(FindingKind.INCONCLUSIVE, message)))
                continue
            findings.append(maker.finding(flaw, execution, schedule_dependent=depends))
        return findings

    def _shorten(
        self, scenario: Scenario, verdict: Verdict, maker: FindingMaker, flaw: Flaw, execution: Execution
    ) -> tuple[Flaw, Execution]:
        """The same kind of flaw with fewer preemptions, if there is such an execution."""
        if execution.outcome.kind in (OutcomeKind.HUNG, OutcomeKind.STEP_LIMIT, OutcomeKind.LIVELOCK):
            return flaw, execution
        have = preemptions(execution)
        for bound in range(min(MOST_PREEMPTIONS + 1, have)):
            tally = _Tally()

            def watch(seen: Execution, tally: _Tally = tally) -> bool:
                self._judge(scenario, verdict, maker.names(seen), seen, tally)
                return flaw.kind not in tally.first

            budget = msgspec.structs.replace(self._budget, executions=SHORTEN_EXECUTIONS)
            with closing(self._bench.program(scenario)) as program:
                explore(program, BruteForce(bound), budget, watch)
            if flaw.kind in tally.first:
                return tally.first[flaw.kind]
        return flaw, execution

    def _fails_again(
        self, scenario: Scenario, verdict: Verdict, maker: FindingMaker, flaw: Flaw, execution: Execution
    ) -> bool:
        tally = _Tally()
        schedule = maker.schedule(execution)
        self._run(scenario, verdict, maker, Replay(schedule), self._budget, tally)
        return flaw.kind in tally.first

    def _replay_one(
        self, scenario: Scenario, verdict: Verdict, maker: FindingMaker, request: ReplayRequest
    ) -> None:
        tally = _Tally()
        kept: list[Execution] = []

        def watch(execution: Execution) -> bool:
            kept.append(execution)
            return self._judge(scenario, verdict, maker.names(execution), execution, tally)

        with closing(self._bench.program(scenario)) as program:
            explore(program, Replay(request.schedule, lenient=True), self._budget, watch, TaskTable())
        finding: Finding | None = None
        if tally.first:
            flaw, execution = _asked_for(tally, request.kind)
            depends = request.kind is not FindingKind.WRONG_RESULT
            finding = maker.finding(flaw, execution, schedule_dependent=depends)
        elif tally.blocked is not None:
            finding = maker.inconclusive(tally.blocked)
        raise ReplayDone(scenario, kept[0], finding, maker)


def _asked_for(tally: _Tally, kind: FindingKind | None) -> tuple[Flaw, Execution]:
    """The flaw that a replay is about, or the first that there is."""
    for flaw_kind, found in tally.first.items():
        if flaw_kind is kind or (flaw_kind is Wrong.VALUE and kind in _WRONG):
            return found
    return next(iter(tally.first.values()))


def preemptions(execution: Execution) -> int:
    """An upper bound of how often a process was interrupted: the switches from one process to another."""
    tasks = execution.schedule
    return sum(1 for one, other in pairwise(tasks) if one != other)


def _blocked_message(execution: Execution) -> str:
    outcome = execution.outcome
    if outcome.kind is OutcomeKind.UNCONTROLLED:
        return f"The program uses {outcome.detail}, which the grader cannot control, so it cannot be judged."
    return f"The program does not do the same again under the same conditions ({outcome.detail})."
