"""One scenario, explored until it is known what is wrong with it, or that nothing is. Start at `Examination.run`.

The order of work: DPOR until it is exhausted or its budget is spent; if it is spent, extreme and random schedules on
top, because depth-first search sees only one corner of a large space; when something is wrong, more executions to see
whether any goes well, and a sweep with few preemptions for a shorter way to show it.

Processes are used for several executions where that makes no difference (`grader.runtime.agent.reuse`). That is not
taken on trust: every failure is executed again in new processes before it is believed, and so is one execution of an
exploration that found none. If it comes out otherwise, everything is done again in new processes only.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import msgspec

from grader.core.execution import Budget, Claim, Execution, OutcomeKind, StopReason
from grader.core.verdict import Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.explorer import Exploration, OnProgress, explore
from grader.engine.program import LastingProgram
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.brute_force import BruteForce
from grader.engine.strategies.bursts import Contrary, Led, OneByOne
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.interrupted import Interrupted
from grader.engine.strategies.random_walk import PCT
from grader.engine.strategies.replay import Replay
from grader.engine.symmetry import explore_identical
from grader.engine.tasks import TaskTable
from grader.engine.waits import Bounds
from grader.errors import MachineError
from grader.grading import undecided
from grader.grading.findings import FindingMaker
from grader.grading.flaws import Flaw, Verdict, Wrong, asked, general_flaws
from grader.grading.forbidden import is_forbidden
from grader.grading.observed import Observed
from grader.grading.patience import Leniency, Patience
from grader.grading.sameness import done, switches
from grader.grading.scenario import Scenario
from grader.grading.tally import Tally

SAMPLED_SCHEDULES = 30
SHORTEN_EXECUTIONS = 120
MOST_PREEMPTIONS = 2
MOST_FINDINGS = 3
SEED = 20_140_122
"""What random orders are drawn by where nobody says anything else."""
FLOOR_EXECUTIONS = 300
"""For interrupting each use of a shared object, where there are too many orders to try them all."""
_OVERTIME = 0.2
MOST_CUT = 3
"""Executions that may be cut off before the program counts as a long one."""
LONGER = 10
"""So many times as many steps as usual are made once by a program that is long."""
MOST_STEPS = 60_000
_FOR_THREADS = 3
"""So many times as many random orders are tried where threads may share what nobody sees."""
_NOT_JUDGED = (OutcomeKind.UNCONTROLLED, OutcomeKind.DIVERGED, OutcomeKind.SILENT)
_ENDLESS = (OutcomeKind.HUNG, OutcomeKind.LIVELOCK)


class Examination:
    """The exploration of one scenario of a check, or of a program, and what it has shown so far (`tally`).

    `launcher` gives what is to be executed; told so, in new processes each time. If `symmetric`, orders among identical
    processes count once, as far as there are any; what the verdict says must not depend on their names.
    """

    def __init__(
        self,
        launcher: Callable[[bool], LastingProgram],
        scenario: Scenario,
        verdict: Verdict,
        maker: FindingMaker,
        budget: Budget,
        on_execution: Callable[[Execution], None],
        new_tally: Callable[[], Tally] = Tally,
        *,
        symmetric: bool = False,
        threads: bool = False,
        on_progress: OnProgress | None = None,
        overshoot: Verdict | None = None,
        seed: int = SEED,
        has_floor: bool = False,
        patience: Patience | None = None,
        tasks: TaskTable | None = None,
        is_spent: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_spent = is_spent
        self._overshoot = overshoot
        self._seed = seed
        self._has_floor = has_floor
        self.leniency = Leniency(patience)
        self.tally = new_tally()
        self.explorations: list[Exploration] = []
        """What the executions that `tally` counts were made for."""
        self._new_tally = new_tally
        self._symmetric = symmetric
        self._on_progress = on_progress
        self._launcher = launcher
        self._started: float | None = None
        self._scenario = scenario
        self._verdict = verdict
        self._maker = maker
        self._budget = budget
        self._on_execution = on_execution
        self._tasks = tasks if tasks is not None else TaskTable()
        self._threads = threads
        self._fresh = False
        self._confirmed: set[FindingKind | Wrong] = set()
        """The flaws that were there in new processes as well."""
        self._program = launcher(False)
        self._remembers = self._program.remembers

    def run(self, strategies: Callable[[], Sequence[Strategy]]) -> Evidence:
        """Explore with new `strategies`, one after the other, and say what that is worth."""
        evidence = self._run(strategies)
        if not self.forgot:
            return evidence
        self.begin_anew()
        return self._run(strategies)

    def _run(self, strategies: Callable[[], Sequence[Strategy]]) -> Evidence:
        wants_all = any(strategy.systematic for strategy in strategies())
        executions, claim = self.explore_all(strategies)
        if self.tally.cut and not self.tally.first and self.tally.blocked is None:
            self._look_at_long()
        self.look_again()
        unsure = self.tally.never_right or (wants_all and not self.tally.first)
        drawn = unsure and claim is None and self.tally.blocked is None
        if drawn:
            executions += self._try_some()
        claim = claim if not self.tally.cut else None
        entered = self.tally.last is not None and bool(self.tally.last.trace)
        processes, threads = (self._scenario.processes,), self.has_threads
        if claim is None or not entered:
            seed = self._seed if drawn or not wants_all else None
            return Evidence(EvidenceLevel.BOUNDED, processes, executions, threads, seed=seed)
        return Evidence(EvidenceLevel.VERIFIED, processes, executions, threads, claim.waits)

    def look_again(self) -> None:
        """Whether those deserved it who were forgiven for giving up after so long a time."""
        self.leniency.look_again(self.tally, self._scenario, lambda waits: self.explore(waits, Tally()))

    def _try_some(self) -> int:
        """Where there are too many orders: those that are worth it, and some at random. Returns how many were made."""
        self.tally.since_failure = 0
        sampled = SAMPLED_SCHEDULES // 10 if self.tally.cut else SAMPLED_SCHEDULES  # long ones are dear
        schedules = sampled * (_FOR_THREADS if self.has_threads else 1)
        most = sampled if self.tally.cut else FLOOR_EXECUTIONS
        interrupted = Interrupted(min(most, 2 * self._budget.executions))
        first: list[Strategy] = [OneByOne()] if self.tally.never_right else []
        extra = [*first, Extremes(sampled), Contrary(), interrupted, PCT(self._seed, schedules)]
        executions = self._explore_all(lambda: extra)[0]
        decided = self.tally.first or self.tally.blocked is not None
        if self._has_floor and not decided and not interrupted.complete:
            self.tally.blocked = Flaw(FindingKind.INCONCLUSIVE, undecided.BELOW_THE_FLOOR)
        return executions

    def explore_all(self, strategies: Callable[[], Sequence[Strategy]]) -> tuple[int, Claim | None]:
        """Explore with new `strategies` and nothing else: executions made, and what they covered.

        In new processes, if it makes a difference.
        """
        executions, claim = self._explore_all(strategies)
        if self.forgot:
            self.begin_anew()
            executions, claim = self._explore_all(strategies)
        if self._program.has_reused and not self.same_in_new_processes():
            self.begin_anew(fresh=True)
            executions, claim = self._explore_all(strategies)
        return executions, claim

    @property
    def has_reused(self) -> bool:
        """Whether processes were used again, or none was asked for what was known."""
        return self._program.has_reused

    @property
    def forgot(self) -> bool:
        """Whether what was remembered of tasks turned out to be worth nothing: then all has to be done anew."""
        return self._remembers and not self._program.remembers

    def begin_anew(self, *, fresh: bool = False) -> None:
        """Forget what was seen; from now on execute everything as it is told, or in new processes only."""
        self._remembers = False
        self._fresh = self._fresh or fresh
        self.tally, self.explorations = self._new_tally(), []

    def _look_at_long(self) -> None:
        """Whether a program that does not end soon does so if it is given more time."""
        cut = self.tally.cut[0]
        before = len(self.tally.cut)
        more = max(min(self._budget.steps * LONGER, MOST_STEPS) - self._budget.steps, 0)
        self.explorations.append(self.explore(Led((), Bounds()), self.tally, steps=more))
        if len(self.tally.cut) > before:
            self.tally.blocked = Flaw(
                FindingKind.INCONCLUSIVE, undecided.STILL_GOING_ON, line=cut.outcome.line
            )

    @property
    def has_threads(self) -> bool:
        """Whether any process has started a thread; those are not interrupted between two operations."""
        return self._threads or self._tasks.has_threads

    def remark(self) -> str:
        """What was seen and did not count, if anything was."""
        return self.leniency.remark(self.tally, self._scenario, self._maker.names)

    def close(self) -> None:
        """End the processes that were kept for further executions."""
        self._program.close()

    def _explore_all(self, strategies: Callable[[], Sequence[Strategy]]) -> tuple[int, Claim | None]:
        """Executions made, and what they covered; stops at a decided failure."""
        executions, claim = 0, None
        for number, strategy in enumerate(strategies()):
            if self._symmetric and strategy.systematic:
                exploration = self._explore_identical(strategies, number)
            else:
                exploration = self.explore(strategy, self.tally)
            self.explorations.append(exploration)
            executions += exploration.executions
            if self.tally.blocked is None and not self.has_threads:
                claim = claim or exploration.covered
            if self.tally.blocked is not None or (self.tally.first and not self.tally.undecided):
                break
        return executions, claim

    def _explore_identical(self, strategies: Callable[[], Sequence[Strategy]], number: int) -> Exploration:
        """Explore up to the names of identical processes; every order, with a new strategy, if they are not."""

        def watch(execution: Execution) -> bool:
            self._on_execution(execution)
            with self._maker.traced(execution):
                return self._judge(execution, self.tally)

        def restart() -> Strategy:
            self.tally = self._new_tally()
            return strategies()[number]

        budget = msgspec.structs.replace(self._budget, seconds=self._seconds_left())
        with self._executed() as program, self._maker.traced():
            return explore_identical(
                program, strategies()[number], budget, watch, self._tasks, self._on_progress, restart=restart
            )

    @contextmanager
    def _executed(self, fresh: bool = False) -> Iterator[LastingProgram]:
        """What is to be executed."""
        if fresh or self._fresh:
            with closing(self._launcher(True)) as program:
                yield program
        else:
            yield self._program

    def explore(
        self,
        strategy: Strategy,
        tally: Tally,
        until: FindingKind | Wrong | None = None,
        *,
        fresh: bool = False,
        steps: int = 0,
    ) -> Exploration:
        """Execute under `strategy` and count into `tally`; up to the first flaw of the kind `until`, if given.

        `steps` are made on top of the usual ones before an execution is cut off.
        """

        def watch(execution: Execution) -> bool:
            if tally is self.tally:
                self._on_execution(execution)
            with self._maker.traced(execution):
                go_on = self._judge(execution, tally)
            return go_on if until is None else until not in tally.first

        steps += self._budget.steps
        budget = msgspec.structs.replace(self._budget, seconds=self._seconds_left(), steps=steps)
        if until is not None:
            budget = msgspec.structs.replace(budget, executions=SHORTEN_EXECUTIONS)
        cut = len(tally.cut)
        with self._executed(fresh) as program, self._maker.traced():
            on_progress = self._on_progress if tally is self.tally else None
            exploration = explore(program, strategy, budget, watch, self._tasks, on_progress)
        if strategy.only_looks_for_mistakes:
            del tally.cut[cut:]
        if exploration.stopped is StopReason.CPU:
            raise MachineError(undecided.TOO_SLOW)
        return exploration

    def _seconds_left(self) -> float:
        """What is left of the budget; when it is spent, a part of it again for what has to be done yet."""
        if math.isinf(self._budget.seconds):
            return math.inf
        if self._started is None:
            self._started = time.monotonic()
        left = self._started + self._budget.seconds - time.monotonic()
        return max(left, self._budget.seconds * _OVERTIME)

    def _judge(self, execution: Execution, tally: Tally) -> bool:
        """Count one execution; whether it is worth going on."""
        outcome = execution.outcome
        forbidden = self._scenario.forbids and is_forbidden(outcome.detail)
        if outcome.kind in _NOT_JUDGED and not forbidden:
            tally.blocked = Flaw(FindingKind.INCONCLUSIVE, undecided.blocked(execution), line=outcome.line)
            return False
        if outcome.chance and tally.by_chance is None:
            tally.by_chance = execution
        seen = Observed(self._scenario, execution)
        flaws = general_flaws(seen, self._maker.names(execution))
        if outcome.kind is OutcomeKind.STEP_LIMIT and not flaws:
            flaws = list(self._overshoot(seen)) if self._overshoot is not None else []
            if not flaws:
                tally.cut.append(execution)
                return len(tally.cut) < MOST_CUT
            tally.too_long = True
        if not flaws and seen.completed:
            flaws = asked(self._verdict, seen)
        doubts = [flaw for flaw in flaws if flaw.kind is FindingKind.INCONCLUSIVE]
        if doubts and len(doubts) == len(flaws):
            # Nothing is known to be wrong, but that it is right cannot be told either, in this order or in another.
            tally.blocked = doubts[0]
            return False
        self.leniency.count([flaw for flaw in flaws if flaw not in doubts], seen, tally)
        if self._is_spent() and not tally.first and tally.blocked is None:
            tally.blocked = Flaw(FindingKind.INCONCLUSIVE, undecided.COMPUTES)
        if tally.blocked is not None or self._is_spent():
            return False
        if not tally.first:
            return True
        return outcome.kind is not OutcomeKind.HUNG and tally.undecided

    def same_in_new_processes(self) -> bool:
        """Whether the last execution, or else the first failure of each kind, is the same in new processes.

        What kept an exploration from its end may well have been the processes, so that counts as different.
        """
        if self.tally.blocked is not None:
            return False
        if self.tally.first:
            self._confirmed = {kind for kind, found in self.tally.first.items() if self._fails_again(*found)}
            return self._confirmed == set(self.tally.first)
        last = self.tally.last
        if last is None:
            return True
        again = Tally()
        self._execute_again(last, again)
        return again.last is not None and done(again.last) == done(last)

    def _fails_again(self, flaw: Flaw, execution: Execution) -> bool:
        again = Tally()
        self._execute_again(execution, again)
        return flaw.kind in again.first

    def _execute_again(self, execution: Execution, tally: Tally) -> None:
        """The same order once more, in new processes."""
        schedule = self._maker.schedule(execution)
        endless = execution.outcome.kind is OutcomeKind.LIVELOCK
        self.explore(Replay(schedule, endless=endless), tally, fresh=True, steps=len(schedule))

    def inconclusive(self) -> Finding | None:
        """Why it cannot be judged, if it cannot."""
        if self.tally.cut and self.tally.last is None and self.tally.blocked is None:
            line = self.tally.cut[0].outcome.line
            self.tally.blocked = Flaw(FindingKind.INCONCLUSIVE, undecided.STILL_GOING_ON, line=line)
        return self._maker.inconclusive(self.tally.blocked) if self.tally.blocked is not None else None

    def findings(self, *, shorten: bool = True, may_go_well: bool = False) -> list[Finding]:
        """What is wrong, each with a witness that was executed once more in new processes.

        It is the shortest that was found, if told to `shorten`. It `may_go_well` if that is known from elsewhere.
        """
        findings: list[Finding] = []
        for kind, (flaw, execution) in list(self.tally.first.items())[:MOST_FINDINGS]:
            depends = may_go_well or self.tally.counts[kind] < self.tally.judged
            shortest = self._shortened(flaw, execution) if shorten else (flaw, execution)
            hung = shortest[1].outcome.kind is OutcomeKind.HUNG  # its CPU limit is spent: twice is enough
            certain = kind in self._confirmed or self._fresh or not self._program.has_reused
            if (hung and certain) or self._fails_again(*shortest):
                with self._maker.traced(shortest[1]):
                    findings.append(self._maker.finding(*shortest, schedule_dependent=depends))
            else:
                findings.append(
                    self._maker.inconclusive(Flaw(FindingKind.INCONCLUSIVE, undecided.DIFFERENT_AGAIN))
                )
        return findings

    def _shortened(self, flaw: Flaw, execution: Execution) -> tuple[Flaw, Execution]:
        """The same kind of flaw with fewer preemptions, if there is such an execution."""
        if execution.outcome.kind in _ENDLESS or self._is_spent():
            return flaw, execution
        for bound in range(min(MOST_PREEMPTIONS + 1, switches(execution))):
            tally = Tally()
            self.explore(BruteForce(bound), tally, until=flaw.kind)
            if flaw.kind in tally.first:
                return tally.first[flaw.kind]
        return flaw, execution
