"""Many inputs, each tried in one order of its own, nobody being interrupted, or in few. Start at `Trials.run`.

What one input has left of its processes is used by the next, as far as that cannot be told from new ones, and what is
remembered of a task is not executed again. That is not taken on trust: a failure is executed again in new processes,
and so is the shortest of those that pass.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple, Protocol

from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.in_turn import InTurn
from grader.engine.strategies.interrupted import Interrupted
from grader.engine.strategies.states import MOST_STATES, States
from grader.engine.waits import Bounds
from grader.grading.examination import Examination
from grader.grading.flaws import Verdict
from grader.grading.sameness import switches
from grader.grading.scenario import Scenario
from grader.runtime.kept import KeptProcesses

_ORDERS_AFTER_FAILURE = 5
STATES_IN_ALL = 3 * MOST_STATES
PROVEN = 3
"""Numbers of processes up to which every order is tried elsewhere."""


class Trial(NamedTuple):
    """A scenario with its number in the check, and what is asked of it."""

    number: int
    scenario: Scenario
    verdict: Verdict


class Make(Protocol):
    """Makes the examination of a trial, in processes that may be kept for several."""

    def __call__(self, trial: Trial, kept: KeptProcesses | None) -> Examination: ...


class Trials:
    """Tries inputs; `fail` is called with the first one that does not pass, and raises.

    Besides the order in which nobody is interrupted there are so many in which somebody is, between two lines that use
    the same object. If `only_wrong` ones fail, what cannot be judged, or takes too long, passes. Where there are more
    processes than `PROVEN`, their states are gone through, if waits may fail: `failed_waits` times.
    """

    def __init__(
        self,
        make: Make,
        fail: Callable[[Examination], object],
        interruptions: int = 0,
        *,
        only_wrong: bool = False,
        failed_waits: int = 0,
    ) -> None:
        self._make = make
        self._fail = fail
        self._interruptions = interruptions
        self._only_wrong = only_wrong
        self._failed_waits = failed_waits
        self._states_left = STATES_IN_ALL
        self.has_threads = False
        """Whether any has started a thread."""
        self.executions = 0

    def run(self, trials: Sequence[Trial]) -> None:
        """Try all. Returns only if all pass."""
        with closing(KeptProcesses()) as kept:
            if not self._passed_all(trials, kept):
                self._passed_all(trials, None)

    def _passed_all(self, trials: Sequence[Trial], kept: KeptProcesses | None) -> bool:
        """Whether all have passed, in processes that were used before and by what is remembered, as in new ones.

        Of those that pass the shortest is executed again.
        """
        passed: list[Examination] = []
        for trial in trials:
            with closing(self._begun(trial, kept)) as tried:
                if self._passes(tried, trial) and not tried.forgot:
                    if tried.tally.last is not None and tried.tally.blocked is None:
                        passed.append(tried)
                    continue
                if kept is None or not (tried.forgot or tried.has_reused):
                    self._failed(tried)
            with closing(self._begun(trial, None)) as again:
                if not self._passes(again, trial):
                    self._failed(again)
            return False
        reused = [tried for tried in passed if tried.has_reused]
        return kept is None or not reused or min(reused, key=_length).same_in_new_processes()

    def _begun(self, trial: Trial, kept: KeptProcesses | None) -> Examination:
        """An examination that may use what is kept and remembered; without `kept`, new processes only."""
        begun = self._make(trial, kept)
        if kept is None:
            begun.begin_anew(fresh=True)
        return begun

    def _passes(self, tried: Examination, trial: Trial) -> bool:
        self.executions += tried.explore(InTurn(), tried.tally).executions
        if self._interruptions and not tried.tally.first and tried.tally.blocked is None:
            interrupted = Interrupted(1 + self._interruptions, each_spot_once=True)
            self.executions += tried.explore(interrupted, tried.tally).executions
        if self._failed_waits and trial.scenario.processes > PROVEN:
            self._search(tried)
        self.has_threads = self.has_threads or tried.has_threads
        return not tried.tally.first and (self._only_wrong or tried.tally.last is not None)

    def _search(self, tried: Examination) -> None:
        if tried.tally.first or tried.tally.blocked is not None or tried.has_threads:
            return
        states = States(min(MOST_STATES, self._states_left), Bounds(self._failed_waits))
        self.executions += tried.explore(states, tried.tally).executions
        self._states_left -= states.states

    def _failed(self, tried: Examination) -> None:
        """See whether any order goes well, then say what is wrong."""
        if tried.tally.undecided and tried.tally.last is not None and switches(tried.tally.last):
            tried.explore(Extremes(_ORDERS_AFTER_FAILURE), tried.tally)
        self._fail(tried)


def _length(tried: Examination) -> int:
    return len(tried.tally.last.trace) if tried.tally.last is not None else 0
