"""Data races: accesses of a `Value` or `Array` that nothing keeps in order, even if every outcome is the same.

Start at `DataRaces.add`. Two accesses race if they are of different processes, at least one writes, and neither
happens before the other by what *synchronises*: locks, queues, events, the start and the end of processes. This is
the happens-before of Lamport (Time, Clocks, and the Ordering of Events in a Distributed System, 1978) that vector
clocks compute (as in FastTrack: Flanagan, Freund, PLDI 2009), with the clocks kept as bit masks of step numbers.
What a `Value` does with its own lock for the length of one access orders nothing.
"""

from collections.abc import Iterator

from grader.core.execution import Execution
from grader.core.operations import ObjectId, OperationKind, Step
from grader.core.verdict import DataRace, Location
from grader.engine.strategies.order import HappensBefore
from grader.grading.names import Names
from grader.primitives.registry import depends

_ACCESSES = (OperationKind.MEMORY_READ, OperationKind.MEMORY_WRITE)
_LONGEST = 1_500
"""Longer traces are not analysed: that takes time with the square of their length."""
_MOST = 50


class Synchronisation(HappensBefore):
    """The order that accesses of memory do not add to."""

    def candidates(self, step: Step) -> list[int]:
        if step.operation.kind in _ACCESSES:
            return []
        return [n for n in super().candidates(step) if self.trace[n].operation.kind not in _ACCESSES]


def races_of(execution: Execution) -> Iterator[tuple[int, int]]:
    """The numbers of the steps of each pair that races, by the later one."""
    if len(execution.trace) > _LONGEST:
        return
    order = Synchronisation()
    accesses: dict[ObjectId, list[int]] = {}
    for number, step in enumerate(execution.trace):
        order.add(step)
        if step.operation.kind not in _ACCESSES:
            continue
        earlier = accesses.setdefault(step.operation.object, [])
        for other in earlier:
            if not order.past[number] >> other & 1 and _conflict(order.trace[other], step):
                yield other, number
        earlier.append(number)


def _conflict(one: Step, other: Step) -> bool:
    return one.task != other.task and depends(one, other)


class DataRaces:
    """Collects the data races of many executions; the same two lines count once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], tuple[str, str]] = {}
        """The kinds of the two accesses, by the name of the object and the lines."""

    def add(self, execution: Execution, names: Names) -> None:
        """Look at one execution."""
        for pair in races_of(execution):
            steps = [execution.trace[number] for number in pair]
            one, other = sorted(
                (step.operation.line, "read" if step.operation.kind is _ACCESSES[0] else "write")
                for step in steps
            )
            place = names.of(steps[0].operation.object), one[0], other[0]
            known = self._found.get(place)
            if known is None and len(self._found) >= _MOST:
                continue
            if known is None or known[0] == known[1]:  # that one reads and the other writes tells more
                self._found[place] = one[1], other[1]

    def found(self, filename: str, lines: tuple[str, ...]) -> tuple[DataRace, ...]:
        """The races in a file with these lines."""

        def place(line: int) -> Location:
            source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
            return Location(filename, line, source[:160])

        return tuple(
            DataRace(name, accesses, (place(one), place(other)))
            for (name, one, other), accesses in sorted(self._found.items())
        )
