"""Everything that can be known about a program. Start at `explore_script`.

The work is that of an exercise's check (`grader.grading.examination`), with three differences: the program is executed
as `__main__`, nobody knows what it should print, and what it can come to is told, as a set of outcomes.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial

import msgspec

from grader.core.execution import Budget, Execution, StopReason
from grader.core.operations import OperationKind
from grader.core.verdict import (
    Evidence,
    EvidenceLevel,
    Finding,
    FindingKind,
    OutcomeClass,
    ScriptReport,
    Verdict,
)
from grader.engine.explorer import OnProgress
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.brute_force import BruteForce
from grader.engine.strategies.random_walk import PCT, RandomWalk
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.tasks import TaskTable
from grader.exploring.data_races import DataRaces
from grader.exploring.judging import OutcomeTally, SameOutput
from grader.exploring.outcomes import Ending, process_count, summary
from grader.exploring.script import ISOLATION, Script, ScriptScenario, open_script
from grader.grading.draws import LEFT_TO_CHANCE, Draws, few
from grader.grading.examination import SEED, Examination
from grader.grading.findings import FindingMaker
from grader.grading.flaws import Flaw
from grader.runtime.agent.draws import HASHES, OF_CHANCE
from grader.runtime.blame import once_more
from grader.runtime.programs import ScriptProgram

_ALONE = (OperationKind.PROCESS_EXIT, OperationKind.SLEEP, OperationKind.READY)
_MOST_OUTCOMES = 20
_NOTHING_SHARED = (
    "The program starts no process and shares nothing, so there is only one order, and nothing to find out. "
    'Is what it does under `if __name__ == "__main__":`?'
)


class Options(msgspec.Struct, frozen=True):
    """How to explore. `strategy` is one of `STRATEGIES`; `executions` is also the number of random schedules.

    `cpu`: the seconds that a process may compute by itself (None: as `grader.runtime.allowance.Measured` has it).
    """

    strategy: str = "dpor"
    preemptions: int | None = None
    executions: int = 10_000
    seconds: float = 60.0
    steps: int = 20_000
    seed: int = SEED
    cpu: float | None = None

    @property
    def budget(self) -> Budget:
        """The same, as an exploration's budget."""
        return Budget(self.executions, self.seconds, self.steps, self.preemptions)


STRATEGIES: dict[str, Callable[[Options], Strategy]] = {
    "dpor": lambda options: BoundedWaits(options.executions),
    "exhaustive": lambda options: BruteForce(options.preemptions),
    "pct": lambda options: PCT(options.seed, options.executions),
    "random": lambda options: RandomWalk(options.seed, options.executions),
}


def explore_script(
    script: Script, options: Options, on_progress: OnProgress = lambda _: None
) -> ScriptReport:
    """Execute a program in every order that matters, as far as the budget goes, and tell what was seen.

    `on_progress` is called after each execution.

    Interrupted from the keyboard, it tells what it knows by then.

    Raises:
        InternalError: the grader itself failed.
        MachineError: the machine has not let it be explored, twice.
    """
    started = time.monotonic()
    report = once_more(lambda last: _explored(script, options, on_progress, last=last))
    return msgspec.structs.replace(
        report,
        seconds=time.monotonic() - started,
        sandbox=ISOLATION.line,
        unprotected=ISOLATION.missing,
    )


def _explored(script: Script, options: Options, on_progress: OnProgress, *, last: bool) -> ScriptReport:
    with (
        open_script(script, options.cpu, last=last) as program,
        closing(_Study(script, options, program, on_progress, last=last)) as study,
    ):
        return study.report()


class _Study:
    """One exploration under way."""

    def __init__(
        self,
        script: Script,
        options: Options,
        program: ScriptProgram,
        on_progress: OnProgress,
        *,
        last: bool = True,
    ) -> None:
        self._last_try = last
        self._script = script
        self._options = options
        self._program = program
        self._on_progress = on_progress
        self._last: Execution | None = None
        self._races = DataRaces()
        self._maker = FindingMaker(script.origin(), ScriptScenario())
        self._opened = ExitStack()
        self._draws = Draws(
            self._make,
            options.budget,
            self._executed,
            prints=True,
            few=self._few,
            also=tuple(HASHES) if script.hashes else (),
            seconds=options.seconds / OF_CHANCE,
        )

    def close(self) -> None:
        """End all that was started for it."""
        self._draws.close()
        self._opened.close()

    def _make(
        self, draw: int, budget: Budget, on_execution: Callable[[Execution], None], tasks: TaskTable
    ) -> Examination:
        options, program = self._options, self._program
        if draw in HASHES:
            opened = open_script(self._script, self._options.cpu, draw, last=self._last_try)
            program = self._opened.enter_context(opened)
        elif draw:
            program = program.under(draw)
        return Examination(
            lambda fresh: program.in_new_processes() if fresh or draw else program,
            ScriptScenario(),
            SameOutput(),
            FindingMaker(self._script.origin(draw), ScriptScenario()),
            budget,
            on_execution,
            OutcomeTally,
            symmetric=options.strategy == "dpor" and options.preemptions is None,
            on_progress=self._on_progress,
            tasks=tasks,
        )

    def _few(self, draw: int, executions: int) -> Sequence[Strategy]:
        """The strategies of a part of the budget."""
        if self._options.strategy == "dpor" and self._options.preemptions is None:
            return few(draw, executions)
        part = msgspec.structs.replace(self._options, executions=executions, seed=self._options.seed + draw)
        return _strategies(part)

    @property
    def examination(self) -> Examination:
        """The one that decides."""
        return self._draws.examination

    @property
    def _tally(self) -> OutcomeTally:
        tally = self.examination.tally
        assert isinstance(tally, OutcomeTally)
        return tally

    def _executed(self, execution: Execution) -> None:
        self._last = execution
        self._races.add(execution, self._maker.names(execution))

    def report(self) -> ScriptReport:
        """Explore, and say what was seen."""
        verified, interrupted = False, False
        evidence = Evidence(EvidenceLevel.BOUNDED)
        try:
            evidence = self._draws.run(lambda: _strategies(self._options))
            verified = evidence.level is EvidenceLevel.VERIFIED and self._options.preemptions is None
        except KeyboardInterrupt:
            interrupted = True
        findings = [
            msgspec.structs.replace(finding, processes=self._processes())
            for finding in self._findings(interrupted)
        ]
        explorations = self._draws.by_draw[0].explorations
        outcomes, more = self._outcomes()
        return ScriptReport(
            script=self._script.file.name,
            sha256=self._script.file.sha256,
            verdict=self._verdict(findings, verified),
            executions=self._executions() or self._tally.judged,
            traces=explorations[0].traces if explorations else self._tally.judged,
            stopped=self._stopped(interrupted),
            seconds=0.0,
            outcomes=outcomes,
            more_outcomes=more,
            findings=tuple(findings),
            warnings=self._races.found(self._script.file.name, self._script.file.lines),
            processes=self._processes(),
            identical=explorations[0].identical if explorations else (),
            threads=self.examination.has_threads,
            waits=evidence.waits,
            draws=evidence.draws,
            depends=evidence.depends,
            remark=LEFT_TO_CHANCE if self._draws.left_to_chance else "",
            source=self._script.file.lines,
        )

    def _executions(self) -> int:
        """How many were made to find out what there is."""
        return sum(one.executions for each in self._draws.by_draw.values() for one in each.explorations)

    def _findings(self, interrupted: bool) -> list[Finding]:
        tally = self._tally
        if tally.first and not interrupted:
            return self._draws.findings()
        if tally.first:
            return [
                self._maker.finding(flaw, execution, schedule_dependent=tally.counts[kind] < tally.judged)
                for kind, (flaw, execution) in tally.first.items()
            ]
        if tally.blocked is not None:
            return [self._maker.inconclusive(tally.blocked)]
        if not interrupted and not self._shares():
            return [self._maker.inconclusive(Flaw(FindingKind.INCONCLUSIVE, _NOTHING_SHARED))]
        return []

    def _shares(self) -> bool:
        last = self._tally.last
        return last is not None and any(step.operation.kind not in _ALONE for step in last.trace)

    def _verdict(self, findings: Sequence[Finding], verified: bool) -> Verdict:
        if any(finding.kind is not FindingKind.INCONCLUSIVE for finding in findings):
            return Verdict.FAILED
        if findings or not self._tally.judged:
            return Verdict.INCONCLUSIVE
        return Verdict.VERIFIED if verified else Verdict.BOUNDED

    def _stopped(self, interrupted: bool) -> StopReason:
        explorations = self._draws.by_draw[0].explorations
        if interrupted or not explorations:
            return StopReason.INTERRUPTED
        return explorations[0].stopped

    def _outcomes(self) -> tuple[tuple[OutcomeClass, ...], int]:
        counts: dict[Ending, int] = {}
        tokens: dict[Ending, Callable[[], str]] = {}
        for draw, examination in self._draws.by_draw.items():
            assert isinstance(examination.tally, OutcomeTally)
            maker = FindingMaker(self._script.origin(draw), ScriptScenario())
            for ending, count, execution in examination.tally.outcomes.first():
                counts[ending] = counts.get(ending, 0) + count
                tokens.setdefault(ending, partial(maker.token, execution))
        ordered = sorted(counts, key=lambda ending: -counts[ending])
        shown = [summary(ending, counts[ending], tokens[ending]()) for ending in ordered[:_MOST_OUTCOMES]]
        return tuple(shown), len(ordered) - len(shown)

    def _processes(self) -> int:
        return process_count(self._last) if self._last is not None else 0


def _strategies(options: Options) -> Sequence[Strategy]:
    if options.preemptions is not None:
        return [BruteForce(options.preemptions)]
    return [STRATEGIES[options.strategy](options)]
