"""What a check works with: it has scenarios explored, and keeps the evidence. Start at `Lab.explore`.

How a scenario is explored is in `grader.grading.examination`.
"""

import math
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial

import msgspec

from grader.core.execution import Budget, Execution
from grader.core.verdict import Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.between import Between
from grader.engine.strategies.bursts import MOST_ROUNDS
from grader.engine.strategies.delays import Delays
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.interrupted import Interrupted
from grader.engine.strategies.random_walk import PCT
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.tasks import TaskPath, TaskTable
from grader.grading import named
from grader.grading.draws import LEFT_TO_CHANCE, Draws, Kept, Make, few, told_under
from grader.grading.examination import MOST_FINDINGS, SAMPLED_SCHEDULES, Examination
from grader.grading.findings import OUTPUT_LIMIT, FindingMaker, Origin, without_traceback
from grader.grading.flaws import Verdict
from grader.grading.free_plans import plan
from grader.grading.free_sampling import sample
from grader.grading.free_verdict import FreeFlaw
from grader.grading.hints_crash import help_for
from grader.grading.patience import PATIENCE
from grader.grading.scenario import Scenario
from grader.grading.tally import Tally, asked_for
from grader.grading.trials import Trial, Trials
from grader.grading.workbench import Workbench
from grader.runtime.kept import KeptProcesses
from grader.runtime.pinning import unpinned

DEFAULT_BUDGET = Budget(executions=200, seconds=math.inf, steps=3_000, all_steps=200_000, cpu=600.0)
"""Executions and steps decide, so that a verdict does not depend on how busy the machine is. What they need is some
seconds of CPU, and less than a tenth of its limit at the very most."""
MOST_WAITS_FAILED = 12
MANY = (4, 5, 8)
"""Processes beyond those with which every order is tried, but not beyond what students start."""
EACH_SPOT = 8
"""Executions of a sample in which a task is interrupted, each somewhere else in the source."""
LARGE_STEPS = 40_000
"""For one execution with a large input: 1,500 items, or 1,000 elements with a lock for each, take a quarter of that."""
INTERRUPTED_STEPS = 12_000
"""For all executions together in which somebody is interrupted, if each is long."""
RIGHT_UNDER_CONTROL = "Right under control, wrong when it runs free"
WRONG_IF_FREE = "right under control, but wrong when nobody controls the order"
WRONG_FOR_OTHERS = "right for some inputs only, and wrong for others"


class CheckFailed(Exception):
    """The submission does not pass this check; what it `withdraws` is not to be relied on, and `why`."""

    def __init__(self, findings: Sequence[Finding], withdraws: Collection[str] = (), why: str = "") -> None:
        super().__init__(findings[0].message if findings else "failed")
        self.why = why
        self.findings = tuple(findings)
        self.withdraws = frozenset(withdraws)
        """Functions and checks."""


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
        self,
        bench: Workbench,
        check: str,
        budget: Budget,
        replay: ReplayRequest | None = None,
        seed: int = 0,
    ) -> None:
        self._seed = seed
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

    def explore(
        self,
        scenario: Scenario,
        verdict: Verdict,
        most: int | None = None,
        *,
        overshoot: Verdict | None = None,
    ) -> None:
        """Explore every schedule, as far as the budget goes, with no more than `most` executions.

        `overshoot` says what is wrong already with an execution that was cut off because it is long.

        Raises:
            CheckFailed: some schedule shows a flaw.
            Inconclusive: something happened that we do not control.
        """
        executions = self._budget.executions if most is None else min(most, self._budget.executions)

        def strategies() -> list[Strategy]:
            waits = BoundedWaits(executions)
            return [waits, Delays(waits, self._seed, self.named(2, MOST_ROUNDS))]

        self._examine(scenario, verdict, strategies, most, overshoot=overshoot)

    def sample(self, scenario: Scenario, verdict: Verdict, schedules: int = SAMPLED_SCHEDULES) -> None:
        """Explore some schedules only, for process counts that cannot be exhausted. Raises like `explore`."""
        extremes = (schedules + 1) // 2
        self._examine(
            scenario,
            verdict,
            lambda: [
                Extremes(extremes),
                Interrupted(EACH_SPOT, each_spot_once=True),
                PCT(self._seed, schedules - extremes),
            ],
        )

    def interrupt(self, scenario: Scenario, verdict: Verdict, executions: int = 6) -> None:
        """Interrupt each task once, where it holds no lock, at some of many places; for large inputs.

        Raises like `explore`.
        """
        self._examine(scenario, verdict, lambda: [Between(executions, INTERRUPTED_STEPS)], large=True)

    def named(self, low: int, high: int, most: int = 4) -> list[int]:
        """Numbers from `low` to `high`, no more than so many, that the submission names, or that come next to them."""
        return named.picked(self.source, low, high, most, self._seed)

    def drawn(self, low: int, high: int) -> int:
        """A number from `low` to `high` that nobody knows without the secret."""
        return random.Random(self._seed).randint(low, high)

    def try_each(
        self,
        trials: Iterable[tuple[Scenario, Verdict]],
        *,
        interruptions: int = 0,
        withdraws: Collection[str] = (),
    ) -> None:
        """Execute each scenario once, nobody being interrupted; for many inputs. The first that fails decides.

        Then so many times with one of the processes being interrupted. What is wrong withdraws the points of some
        functions, or checks. Raises like `explore`.
        """
        numbered = [Trial(self._next_number(), *trial) for trial in trials]
        if self._replay is not None:
            for trial in numbered:
                self._replay_if_asked(*trial, self._large_budget())
            return

        def make(trial: Trial, kept: KeptProcesses | None) -> Examination:
            made = self._maker_of_examinations(*trial, kept=kept)
            return made(0, self._large_budget(), lambda _: self.on_execution(), TaskTable())

        def fail(examination: Examination) -> None:
            self._raise_what_is_wrong(examination, withdraws)

        waits = max([1, *self.named(2, MOST_WAITS_FAILED)]) if withdraws else 0
        tried = Trials(make, fail, interruptions, only_wrong=bool(withdraws), failed_waits=waits)
        tried.run(numbered)
        processes = tuple(sorted({trial.scenario.processes for trial in numbered}))
        made, threads = tried.executions, self._bench.has_threads or tried.has_threads
        told = Evidence(EvidenceLevel.BOUNDED, processes, made, threads, inputs=len(numbered))
        self.evidence.append(told)

    def run_free(self) -> None:
        """Run the functions in `free` on the real primitives, under many process counts; nobody controls the order.

        What does not count, but is worth knowing, is in `remark` afterwards.

        Raises:
            CheckFailed: a run went wrong, and once more.
            Inconclusive: a run could not be judged.
            LookupError: there are no free runs for this exercise.
            MachineError: the machine does not allow them.
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
        with unpinned():
            sampled = sample(self._bench.open_runner, planned)
        self.evidence.append(Evidence(EvidenceLevel.SAMPLED, sampled.processes, len(sampled.performed)))
        self.remark = sampled.remark
        findings = [self._free_finding(flaw) for flaw in _different(sampled.flaws)]
        failed = [finding for finding in findings if finding.kind is not FindingKind.INCONCLUSIVE]
        if failed:
            wrong = (flaw for flaw in sampled.flaws if flaw.kind is not FindingKind.INCONCLUSIVE)
            raise CheckFailed(failed[:MOST_FINDINGS], {flaw.function for flaw in wrong}, WRONG_IF_FREE)
        if findings:
            raise Inconclusive(findings[0])

    def _free_finding(self, flaw: FreeFlaw) -> Finding:
        output = without_traceback(flaw.output) if flaw.failure is not None else flaw.output
        was_right = self.free is not None and self.free.get(flaw.function, False)
        known = was_right and flaw.kind is not FindingKind.INCONCLUSIVE
        return Finding(
            flaw.kind,
            f"{RIGHT_UNDER_CONTROL}: {flaw.message}" if known else flaw.message,
            help=help_for(flaw.failure) if flaw.failure is not None else "",
            schedule_dependent=flaw.kind is FindingKind.RACE,
            processes=flaw.processes,
            location=self._maker(Scenario(), 0).location(flaw.line),
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
        *,
        large: bool = False,
        overshoot: Verdict | None = None,
    ) -> None:
        number = self._next_number()
        budget = self._large_budget() if large else self._budget
        if self._replay is not None:
            self._replay_if_asked(number, scenario, verdict, budget, overshoot)
            return
        most = min(budget.executions, most or budget.executions)
        budget = msgspec.structs.replace(budget, executions=most)
        draws = Draws(
            self._maker_of_examinations(number, scenario, verdict, overshoot),
            budget,
            lambda _: self.on_execution(),
            few=partial(few, seed=self._seed),
            source=self.source,
            asked_before=self._bench.imported.sources,
        )
        with closing(draws):
            self.evidence.append(draws.run(strategies))
            chance = LEFT_TO_CHANCE if draws.left_to_chance else ""
            self.remark = self.remark or draws.examination.remark() or chance
            if draws.examination.tally.first:
                raise CheckFailed(draws.findings(shorten=not large))
            self._raise_what_is_undecided(draws.examination)

    def _next_number(self) -> int:
        self._scenarios += 1
        return self._scenarios - 1

    def _large_budget(self) -> Budget:
        return msgspec.structs.replace(self._budget, steps=LARGE_STEPS)

    def _maker_of_examinations(
        self,
        number: int,
        scenario: Scenario,
        verdict: Verdict,
        overshoot: Verdict | None = None,
        kept: KeptProcesses | None = None,
    ) -> Make:
        def make(
            draw: int, budget: Budget, on_execution: Callable[[Execution], None], tasks: TaskTable
        ) -> Examination:
            return Examination(
                lambda fresh: self._bench.program(
                    scenario, fresh=fresh, kept=None if fresh or draw else kept, draw=draw
                ),
                scenario,
                verdict,
                self._maker(scenario, number, draw),
                budget,
                on_execution,
                threads=self._bench.has_threads,
                overshoot=overshoot,
                seed=self._seed,
                has_floor=not draw,
                patience=PATIENCE if self._replay is None else None,
                tasks=tasks,
                is_spent=lambda: self._bench.runner.allowance.is_spent,
            )

        return make

    def _raise_what_is_wrong(self, examination: Examination, withdraws: Collection[str]) -> None:
        if examination.tally.first:
            raise CheckFailed(examination.findings(shorten=False), withdraws, WRONG_FOR_OTHERS)
        self._raise_what_is_undecided(examination)

    def _raise_what_is_undecided(self, examination: Examination) -> None:
        undecided = examination.inconclusive()
        if undecided is not None:
            raise Inconclusive(undecided)

    def _replay_if_asked(
        self,
        number: int,
        scenario: Scenario,
        verdict: Verdict,
        budget: Budget,
        overshoot: Verdict | None = None,
    ) -> None:
        if self._replay is not None and self._replay.scenario == number:
            make = self._maker_of_examinations(number, scenario, verdict, overshoot)
            raise self._replayed(make, scenario, number, self._replay, budget)

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
            hash_seed=bench.hash_seed,
        )
        return FindingMaker(origin, scenario)

    def _replayed(
        self, make: Make, scenario: Scenario, number: int, request: ReplayRequest, budget: Budget
    ) -> ReplayDone:
        tally, maker = Tally(), self._maker(scenario, number, request.draw)
        strategy = Kept(request.schedule, endless=request.endless)
        with closing(make(request.draw, budget, lambda _: None, TaskTable())) as examination:
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


def _different(flaws: Sequence[FreeFlaw]) -> list[FreeFlaw]:
    """Of flaws that are the same exception in the same line only the first."""
    found: dict[object, FreeFlaw] = {}
    for number, flaw in enumerate(flaws):
        failure = flaw.failure
        same = (flaw.kind, flaw.line, failure.type, failure.message) if failure is not None else number
        found.setdefault(same, flaw)
    return list(found.values())
