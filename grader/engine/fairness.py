"""Fair scheduling: who goes next where no strategy minds, and whether a fair execution repeats itself for ever.

Start at `Fairness` for the first, at `Continuation` for the second. Nothing here compares local states: that a program
goes on for ever is only ever said of a fair execution in which the judge's state comes again and again.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

from grader.core.operations import OperationKind, Step, TaskId
from grader.engine.machine import Machine
from grader.engine.waits import LONGEST_ROUND, Waiting

REPETITIONS = 1_000
"""How often the state has to come again before a fair execution counts as one that never ends."""
FEWEST_REPETITIONS = 200
LONG_ENOUGH = 3_000
"""Steps after which fewer repetitions are enough."""


class Fairness:
    """Who has yielded to whom: the scheduler of CHESS (Musuvathi, Qadeer: Fair stateless model checking, PLDI 2008).

    A task yields when it sleeps, when it has looked in vain, and when it saw what it had seen before. Then it goes
    behind all that could go, until each of those has gone or has to wait.
    """

    def __init__(self) -> None:
        self._behind: dict[TaskId, set[TaskId]] = {}

    def stepped(self, step: Step, waiting: Waiting, others: Iterable[TaskId]) -> None:
        """A task has made a step; `others` are those that could have gone in its place."""
        for ahead in self._behind.values():
            ahead.discard(step.task)
        if _yields(step, waiting):
            self._behind[step.task] = {task for task in others if task != step.task}

    def pick(self, candidates: Sequence[TaskId], last: TaskId) -> TaskId:
        """The choice that switches least among those that have not yielded to another candidate."""
        ready = [task for task in candidates if self._behind.get(task, set()).isdisjoint(candidates)]
        ready = ready or list(candidates)
        return last if last in ready else ready[0]


def _yields(step: Step, waiting: Waiting) -> bool:
    if step.operation.kind is OperationKind.SLEEP:
        return True
    past = waiting.past
    if past is None or not past.sign.is_look:
        return False
    if step.result is not None and not step.result.ok:
        return True
    earlier = past.before.backwards() if past.before is not None else iter(())
    return any(moment.sign == past.sign for moment in islice(earlier, LONGEST_ROUND))


class Continuation:
    """Goes on, fairly, where only the bound on waits keeps everybody waiting, until all end or it is a cycle.

    Of those that can move, the one that has waited for its turn longest is next, so nobody is passed over for ever who
    can move now and then. `trace` is what was done before: a continuation that begins anywhere in a cycle goes on in
    it. The cycle is found as Brent does (An improved Monte Carlo factorization algorithm, BIT 20, 1980). In one that
    begins and ends with the same order of turns everybody has moved who could have: whoever is passed over is then
    behind others in that order, and would have to be before them again.
    """

    def __init__(self, trace: Sequence[Step] = ()) -> None:
        self.anchor = 0
        """The number of steps before the state that the later ones are compared with."""
        self.length = 0
        """The number of steps in the cycle, once there is one."""
        self.steps = 0
        self._state: object = None
        self._latest = {step.task: number for number, step in enumerate(trace)}
        """For each task the number of its last step."""
        self._since = 0
        self._power = 1
        self._repeated = 0

    def choose(self, machine: Machine, movable: Sequence[TaskId], made: int) -> TaskId:
        """The next task. `made` steps have been made in all."""
        order = tuple(sorted(machine.pending, key=self._turn))
        self._compare((order, machine.state_to_compare()), made)
        return min(movable, key=self._turn)

    def stepped(self, step: Step, made: int) -> None:
        """A task has made step number `made`."""
        self.steps += 1
        self._latest[step.task] = made

    def _turn(self, task: TaskId) -> tuple[int, TaskId]:
        return self._latest.get(task, -1), task

    def _compare(self, state: object, made: int) -> None:
        self._since += 1
        if state == self._state:
            self._repeated += 1
            self.length = self.length or made - self.anchor
            self._since = 0
        elif self._state is None or self._since >= self._power:
            self._state, self.anchor = state, made
            self._power *= 2
            self._since = self._repeated = self.length = 0

    @property
    def cycles(self) -> bool:
        """Whether the state has come again so often that it will do so for ever."""
        enough = FEWEST_REPETITIONS if self.steps >= LONG_ENOUGH else REPETITIONS
        return self._repeated >= enough
