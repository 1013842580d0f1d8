"""Schedules drawn at random: a plain random walk, and PCT.

Start at `PCT`: probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte: A randomized scheduler
with probabilistic guarantees of finding bugs, ASPLOS 2010). Tasks get random priorities, the highest enabled one
goes, and at `depth - 1` random steps the running task drops to the lowest priority. Departure: the length of the
program is not given but taken from the longest execution so far.
"""

import random

from grader.core.execution import Execution
from grader.core.operations import TaskId
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Strategy


class RandomWalk(Strategy):
    """Every enabled task is equally likely, at each step."""

    def __init__(self, seed: int, executions: int) -> None:
        self._random = random.Random(seed)
        self._left = executions

    def begin(self) -> bool:
        self._left -= 1
        return self._left >= 0

    def choose(self, choice: Choice) -> TaskId | None:
        return self._random.choice(choice.candidates)


class PCT(Strategy):
    """Random priorities with a few random drops; finds a bug that needs d ordered events with known probability."""

    def __init__(self, seed: int, executions: int, depth: int = 3) -> None:
        self._random = random.Random(seed)
        self._left = executions
        self._depth = depth
        self._length = 32
        self._priorities: dict[TaskId, float] = {}
        self._drops: set[int] = set()

    def begin(self) -> bool:
        self._left -= 1
        self._priorities = {}
        drops = min(self._depth - 1, self._length)
        self._drops = set(self._random.sample(range(self._length), drops))
        return self._left >= 0

    def choose(self, choice: Choice) -> TaskId | None:
        for task in choice.candidates:
            if task not in self._priorities:
                self._priorities[task] = 1.0 + self._random.random()
        if choice.position in self._drops and choice.last in self._priorities:
            self._priorities[choice.last] = -float(choice.position)
        return max(choice.candidates, key=lambda task: self._priorities[task])

    def finished(self, execution: Execution, world: World) -> None:
        self._length = max(self._length, len(execution.trace))
