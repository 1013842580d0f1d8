"""Whether what a scenario comes to depends on chance, on the clock, or on the order in sets. Start at `Draws.run`.

Chance and the clock say the same in every execution of an exploration: those of draw 0 (`grader.runtime.agent.draws`).
Who asks them may do something else where they say something else. So the executions that asked are made again, in the
same order of steps, under other draws: each once under one of them, the first and those that asked at a new place of
the program under all. Where nothing differs but how long somebody sleeps, the claim stands for all draws. Where
something does, the scenario is explored under every draw of chance with a part of the budget, and never verified.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import msgspec

from grader.core.execution import Budget, Execution, OutcomeKind, Source
from grader.core.verdict import Dependence, Evidence, EvidenceLevel, Finding, FindingKind
from grader.engine.machine import World
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.random_walk import PCT
from grader.engine.strategies.replay import Replay
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.tasks import TaskPath, TaskTable
from grader.grading import sameness
from grader.grading.examination import SEED, Examination
from grader.grading.tally import Tally
from grader.grading.tokens import paths_of
from grader.runtime.agent import moments
from grader.runtime.agent.draws import (
    CLOCKS,
    FIRST_PID,
    HASHES,
    MOMENTS,
    OF_CHANCE,
    STARTS,
    STEADY,
    pid_of,
    starts_of,
)

MOST_THOROUGH = 6
"""Executions that are made again under every draw."""
MOST_KEPT = 1_000
"""Executions that are made again under one other draw. Where more have asked, chance counts as if it mattered."""
MOST_UNLUCKY = 3
"""Executions that go round as long as their random numbers are unlucky, of those that are made again."""
_LEAST_PART = 4
"""Executions of a draw at least."""
_SAMPLED = 4
"""Extreme and random orders of each draw, where it was not exhausted."""
LEFT_TO_CHANCE = (
    "in some order it goes round and round for as long as its random numbers are unlucky: "
    "whether it ends is left to chance"
)
_DAY = 86_400


class Make(Protocol):
    """Makes the examination of the scenario under a draw; `tasks` are shared by all of them."""

    def __call__(
        self, draw: int, budget: Budget, on_execution: Callable[[Execution], None], tasks: TaskTable
    ) -> Examination: ...


class Few(Protocol):
    """Gives the strategies for a part of the budget, so many executions."""

    def __call__(self, draw: int, executions: int) -> Sequence[Strategy]: ...


def few(draw: int, executions: int, seed: int = SEED) -> Sequence[Strategy]:
    """The usual ones, with random orders drawn by `seed`."""
    return [BoundedWaits(executions), Extremes(_SAMPLED), PCT(seed + draw, _SAMPLED)]


class _Asked(msgspec.Struct, frozen=True):
    """An execution in which somebody asked, as it can be made again and compared."""

    schedule: tuple[TaskPath, ...]
    digest: int
    endless: bool


class Draws:
    """One scenario explored under draw 0, and under others as far as they matter.

    `examination` is the one that decides: that under draw 0, or the first one in which something went wrong.
    `also` are draws under which the first order is made in any case, `source` is the program, if clocks are to show
    what it names, `seconds` what each draw but 0 may take (0: only
    executions count), and `asked_before` what was asked before any execution began (bits of `Source`).
    """

    def __init__(
        self,
        make: Make,
        budget: Budget,
        on_execution: Callable[[Execution], None],
        *,
        prints: bool = False,
        few: Few = few,
        also: Sequence[int] = (),
        source: str = "",
        seconds: float = 0.0,
        asked_before: int = 0,
    ) -> None:
        self._make = make
        self._budget = budget
        self._on_execution = on_execution
        self._prints = prints
        self._few = few
        self._also = also
        self._source = source
        self._seconds = seconds
        self._asked_before = asked_before
        self._tasks = TaskTable()
        self._by_draw: dict[int, Examination] = {}
        self._first: Execution | None = None
        self._thorough: list[_Asked] = []
        self._once: list[_Asked] = []
        self._too_many = False
        self._unlucky = 0
        self._told: set[int] = {0}
        self._places: set[tuple[TaskPath, int, Source]] = set()
        self._timed: list[Execution] = []
        """The executions that asked the clock at a new place."""
        self._until = math.inf
        self.draw = 0
        """The one of `examination`."""
        self._by_draw[0] = make(0, budget, self._seen, self._tasks)

    @property
    def examination(self) -> Examination:
        """The one that decides."""
        return self._by_draw[self.draw]

    @property
    def by_draw(self) -> Mapping[int, Examination]:
        """Those that add to what is known, that under draw 0 first. The others came to the same."""
        return {draw: self._by_draw[draw] for draw in sorted(self._told)}

    @property
    def left_to_chance(self) -> bool:
        """Whether it depends on chance, in some order, whether it ends."""
        return any(one.tally.by_chance is not None for one in self._by_draw.values())

    def close(self) -> None:
        """End the processes that were kept for further executions."""
        for examination in self._by_draw.values():
            examination.close()

    def _seen(self, execution: Execution) -> None:
        """Keep what is needed to make an execution again, if anybody asked anything in it."""
        self._on_execution(execution)
        if execution.outcome.kind is OutcomeKind.STEP_LIMIT:
            return
        if execution.outcome.chance:
            self._unlucky += 1
            if self._unlucky > MOST_UNLUCKY:
                return
        first = self._first is None
        if first:
            self._first = execution
        sources = execution.sources | self._asked_before
        if sources & Source.CHANCE:
            new = self._is_new(execution, Source.CHANCE) or first
            self._keep(execution, thoroughly=new and not execution.outcome.chance)
        if sources & Source.CLOCK and (self._is_new(execution, Source.CLOCK) or first):
            self._timed.append(execution)

    def _is_new(self, execution: Execution, source: Source) -> bool:
        """Whether somebody asked at a place where, as far as is known, nobody did before."""
        places = {
            (execution.paths.get(one.task, ()), one.place, source)
            for one in execution.consulted
            if one.sources & source
        }
        kept = self._thorough if source is Source.CHANCE else self._timed
        new = not places <= self._places and len(kept) < MOST_THOROUGH
        self._places |= places
        return new

    def _keep(self, execution: Execution, *, thoroughly: bool) -> None:
        if not thoroughly and len(self._once) >= MOST_KEPT:
            self._too_many = True
            return
        (self._thorough if thoroughly else self._once).append(self._as_asked(execution))

    def _as_asked(self, execution: Execution) -> _Asked:
        endless = execution.outcome.kind is OutcomeKind.LIVELOCK
        return _Asked(
            paths_of(execution),
            sameness.digest(execution, len(execution.trace), prints=self._prints),
            endless,
        )

    def run(self, strategies: Callable[[], Sequence[Strategy]]) -> Evidence:
        """Explore with new `strategies` under draw 0, then under others as far as they matter."""
        evidence = self.examination.run(strategies)
        self._look_without_hurry()
        if self._decided():
            return evidence
        if self._seconds:
            self._until = time.monotonic() + self._budget.seconds
        depends: list[Dependence] = []
        tried = 0
        if (self._thorough or self._too_many) and self._chance_matters():
            depends.append(Dependence.CHANCE)
            made, tried = self._explore_draws(range(1, OF_CHANCE))
            evidence = _with_more(evidence, made)
        first = [self._first] if self._first is not None else []
        clock = (Dependence.CLOCK, self._timed, self._clocks(), self._same_but_for_clock)
        sets = (Dependence.HASH, first, self._also, self._same_but_for_sets)
        for dependence, executions, draws, same in (clock, sets):
            if not self._decided() and self._first_differs(executions, draws, same):
                depends.append(dependence)
                evidence = _with_more(evidence, self._explore_draws(draws)[0])
        if not depends:
            return evidence
        return msgspec.structs.replace(
            evidence, level=EvidenceLevel.BOUNDED, waits=None, draws=tried, depends=tuple(depends)
        )

    def _decided(self) -> bool:
        """Whether something is wrong, or cannot be judged: then that is what is told."""
        return bool(self.examination.tally.first) or self.examination.tally.blocked is not None

    def _look_without_hurry(self) -> None:
        """Make the executions again that were forgiven for the time that went by, with a clock that does not hurry.

        The clock hurries so that every deadline comes. Whoever only reads it between few tries, and gives up after
        those, has not waited for that time.
        """
        for execution in self.examination.leniency.for_the_time(self.examination.tally):
            endless = execution.outcome.kind is OutcomeKind.LIVELOCK
            self._again(paths_of(execution), STEADY, endless=endless)
            steady = self._under(STEADY)
            steady.look_again()
            if steady.tally.first:
                self.draw = STEADY
                return

    def _under(self, draw: int) -> Examination:
        if draw not in self._by_draw:
            self._by_draw[draw] = self._make(draw, self._part(), self._on_execution, self._tasks)
        return self._by_draw[draw]

    def _part(self) -> Budget:
        """The budget of one draw."""
        executions = max(_LEAST_PART, self._budget.executions // OF_CHANCE)
        return msgspec.structs.replace(
            self._budget, executions=executions, seconds=self._seconds or self._budget.seconds
        )

    def _chance_matters(self) -> bool:
        """Whether anything but the length of a sleep is different under some draw."""
        others = range(1, OF_CHANCE)
        pairs = [(asked, draw) for asked in self._thorough for draw in others]
        pairs += [(asked, others[number % len(others)]) for number, asked in enumerate(self._once)]
        return self._too_many or any(self._differs(asked, draw) for asked, draw in pairs)

    def _differs(self, asked: _Asked, draw: int) -> bool:
        """Whether an execution is another one under a draw, or there is no time left to see."""
        if time.monotonic() > self._until:
            return True
        again = self._again(asked.schedule, draw, endless=asked.endless)
        if self._under(draw).tally.first:
            self.draw = draw
        steps = len(asked.schedule)
        return again is None or sameness.digest(again, steps, prints=self._prints) != asked.digest

    def _again(self, schedule: tuple[TaskPath, ...], draw: int, *, endless: bool) -> Execution | None:
        """The same order under another draw, as far as it goes."""
        examination = self._under(draw)
        strategy = Kept(schedule, endless=endless)
        examination.explore(strategy, examination.tally, steps=len(schedule))
        return strategy.execution

    def _explore_draws(self, draws: Sequence[int]) -> tuple[int, int]:
        """Explore under these draws, as far as nothing is wrong: executions made, and how many draws there were.

        Draw 0 counts. If something is wrong under one already, that one is enough.
        """
        executions, tried = 0, 1
        for draw in [self.draw] if self.draw else draws:
            examination = self._under(draw)
            self._told |= {draw}
            executions += self._explore(examination, draw)
            tried += 1
            if examination.tally.first or examination.tally.blocked is not None:
                self.draw = draw
                break
        return executions, tried

    def _explore(self, examination: Examination, draw: int) -> int:
        """Explore under one draw with a part of the budget: how many executions that took.

        Where one strategy has covered everything the others need not be asked.
        """
        part, executions = self._part().executions, 0
        for place in range(len(self._few(draw, part))):
            made, claim = examination.explore_all(partial(_one, self._few, draw, part, place))
            executions += made
            if claim is not None or examination.tally.first or examination.tally.blocked is not None:
                break
        return executions

    def _first_differs(
        self,
        executions: Sequence[Execution],
        draws: Sequence[int],
        same: Callable[[Execution, Execution, int], bool],
    ) -> bool:
        """Whether one of these executions goes otherwise, or wrong, under one of the draws."""
        for execution in executions:
            for draw in draws:
                endless = execution.outcome.kind is OutcomeKind.LIVELOCK
                again = self._again(paths_of(execution), draw, endless=endless)
                if self._under(draw).tally.first:
                    self.draw = draw
                if self.draw or again is None or not same(execution, again, draw):
                    return True
        return False

    def _clocks(self) -> tuple[int, ...]:
        """The draws that are about the clock."""
        if not self._source or not self._timed:
            return tuple(CLOCKS)
        return (*CLOCKS, *MOMENTS[: moments.how_many(self._source)])

    def _same_but_for_clock(self, one: Execution, other: Execution, draw: int) -> bool:
        return sameness.same_but_for_the_clock(one, other, shifts(self._source, draw), prints=self._prints)

    def _same_but_for_sets(self, one: Execution, other: Execution, draw: int) -> bool:
        return sameness.same_but_for_order_in_sets(one, other, prints=self._prints)

    def findings(self, *, shorten: bool = True) -> list[Finding]:
        """What is wrong, as `Examination.findings` tells it, and under which draw."""
        usual = self._by_draw[0].tally
        may_go_well = self.draw == STEADY and usual.judged > 0 and not usual.first
        found = self.examination.findings(shorten=shorten, may_go_well=may_go_well)
        if self.draw:
            return [told_under(self.draw, finding) for finding in found]
        first = self.examination.tally.first
        return [
            self._with_share(finding, kind, execution)
            for finding, (kind, (_, execution)) in zip(found, first.items())
        ]

    def _with_share(self, finding: Finding, kind: object, execution: Execution) -> Finding:
        """A finding under draw 0: in how many draws the same order goes wrong, if not in all of them."""
        costly = finding.kind in (FindingKind.INCONCLUSIVE, FindingKind.HANG)
        if costly or not (execution.sources | self._asked_before) & Source.CHANCE:
            return finding
        endless, schedule = execution.outcome.kind is OutcomeKind.LIVELOCK, paths_of(execution)
        wrong = 1
        for draw in range(1, OF_CHANCE):
            tally = Tally()
            examination = self._under(draw)
            examination.explore(Kept(schedule, endless=endless), tally, steps=len(schedule))
            wrong += kind in tally.first
        if wrong == OF_CHANCE:
            return finding
        share = f"It draws random numbers: this order goes so in {wrong} of {OF_CHANCE} draws."
        return msgspec.structs.replace(finding, message=f"{finding.message} {share}")


def shifts(source: str, draw: int) -> tuple[float, ...]:
    """By how much the clocks, in seconds, and process ids are ahead of those of the usual draw."""
    starts = starts_of(source, draw)
    clocks = tuple((ours - usual) / 1e9 for ours, usual in zip(starts[:3], STARTS[:3]))
    return (*clocks, pid_of(starts) - FIRST_PID) if draw in MOMENTS else clocks


def _one(few: Few, draw: int, executions: int, place: int) -> Sequence[Strategy]:
    return few(draw, executions)[place : place + 1]


def _with_more(evidence: Evidence, executions: int) -> Evidence:
    return msgspec.structs.replace(evidence, executions=evidence.executions + executions)


class Kept(Replay):
    """A replay, as far as it goes, whose execution is kept whatever comes of it."""

    def __init__(self, schedule: Sequence[TaskPath], *, endless: bool = False) -> None:
        super().__init__(schedule, lenient=True, endless=endless)
        self.execution: Execution | None = None

    def finished(self, execution: Execution, world: World) -> None:
        self.execution = execution


def told_under(draw: int, finding: Finding) -> Finding:
    """A finding of another draw than the usual one, which says so."""
    if not draw or finding.kind is FindingKind.INCONCLUSIVE:
        return finding
    if draw == STEADY:
        return msgspec.structs.replace(finding, draw=draw)
    return msgspec.structs.replace(finding, message=f"{_words(draw)}: {finding.message}", draw=draw)


def _words(draw: int) -> str:
    if draw in CLOCKS:
        years = CLOCKS[draw][0] // (365 * _DAY)
        return f"With the clock {years} years later"
    if draw in MOMENTS:
        return (
            f"With the clock at another date and time (number {draw - MOMENTS.start + 1} of {len(MOMENTS)})"
        )
    if draw in HASHES:
        return "With another order of what is in its sets"
    return f"With random numbers of another draw (number {draw + 1} of {OF_CHANCE})"
