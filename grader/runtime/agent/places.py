"""Which worker is to take a task, where that cannot be seen: fewer orders to be explored. Start at `Places.place`.

Any worker may take any task; whoever comes first. But workers that have done nothing yet are all alike, so that each
of the first tasks may as well have a worker of its own: whatever can happen when one worker does two of them can also
happen when two do one each. And where no task touches anything at all, it does not matter who does the others, as
long as nobody looks at which results are there. What a task may touch is known from its source (`locality`).
"""

import linecache
import re
from typing import Any

from grader.runtime.agent import frames, uncontrolled
from grader.runtime.agent.desk import Order
from grader.runtime.agent.locality import Reach, Surroundings

_LOOKS = re.compile(
    r"ready|successful|timeout|terminate|\bwait\b|done|cancel|FIRST_|\.(get|result|exception|next)\(\s*[^)\s]"
)
"""What a program says that looks for results, or gives up waiting for them."""


class Places:
    """Knows the tasks of one pool with `workers` workers, and for whom each of them is."""

    def __init__(self, workers: int, initializer: Any, initargs: Any, replaced: bool) -> None:
        self._workers = workers
        self._surroundings = Surroundings(initializer, initargs)
        self._fixed = not replaced
        self._local = True
        self._handed = 0
        source = "\n".join("".join(linecache.getlines(filename)) for filename in frames.files())
        self._looks = _LOOKS.search(source) is not None
        self._raises = "raise" in source
        self.rounds = False
        """Whether a worker has been given more than one task, though another might have come first."""

    def place(self, function: Any, arguments: Any, order: Order) -> int:
        """The place of the worker (from 1) that is to take the next task, 0 for any.

        `order` says what can be seen of the order of the results.
        """
        if not self._fixed:
            return 0
        reach = self._surroundings.reach(function, arguments)
        self._local = self._local and reach is Reach.LOCAL
        self._handed += 1
        if reach is not Reach.ANYTHING and self._handed <= self._workers:
            return self._handed
        seen = order is Order.TURNS or (order is Order.FAILURES and self._raises)
        if self._local and not seen and not self._looks:
            self.rounds = True
            return (self._handed - 1) % self._workers + 1
        self._fixed = False
        return 0

    def looked(self) -> None:
        """Somebody looks which results are there."""
        if self.rounds:
            uncontrolled.announce("looking for results of a pool in a way that its source does not show")
