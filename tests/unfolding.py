"""How many classes of equivalent interleavings a program has, counted without making its interleavings.

Start at `count_classes`. An *event* is a step together with all that happens before it, and a *configuration* the set
of events of an interleaving: two interleavings are equivalent exactly if they have the same configuration (Nielsen,
Plotkin, Winskel: Petri nets, event structures and domains, 1981). All configurations are made, shortest first; the
maximal ones are counted. There are no sleep sets, no wakeup trees and no races here, so nothing that a search could do
wrong: only `in_order` and the oracle's states.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from grader.core.operations import NO_OBJECT, ObjectId, Operation, OperationKind, Step, end_of
from tests.oracle import Ending, Oracle, State, in_order
from tests.programs import Branch, Child, ProgramText, Text

_ALOOF = ("memory", "lock", "event", "condition")
"""Families of operations to which it makes no difference who has exited."""


class TooManyClassesError(Exception):
    """The program has more configurations than asked for."""


class MisjudgedError(Exception):
    """Interleavings that are called equivalent come to different states."""


class Classes(NamedTuple):
    """How many classes of maximal interleavings there are, and what they come to."""

    number: int
    endings: set[Ending]


class _Unfolding:
    """The events of a program, numbered as they are met. A set of events is a bit mask of their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Step, int], int] = {}
        self._steps: list[Step] = []
        self._closed: list[int] = []
        """For each event the set of those that happen before it, and itself."""
        self._in_order: dict[tuple[int, Step], bool] = {}

    def extended(self, events: int, step: Step) -> int:
        """The configuration after `events` and then `step`."""
        past, left = 0, events
        while left:
            latest = left.bit_length() - 1
            if self._comes_before(latest, step):
                past |= self._closed[latest]
            left &= ~(past | 1 << latest)
        return events | 1 << self._event(step, past)

    def _comes_before(self, event: int, step: Step) -> bool:
        known = self._in_order.get((event, step))
        if known is None:
            known = self._in_order[event, step] = in_order(self._steps[event], step)
        return known

    def _event(self, step: Step, past: int) -> int:
        number = self._numbers.setdefault((step, past), len(self._steps))
        if number == len(self._steps):
            self._steps.append(step)
            self._closed.append(past | 1 << number)
        return number


def count_classes(oracle: Oracle, at_most: int = 100_000, *, exits_matter: bool = True) -> Classes:
    """The classes of the maximal interleavings of a program with at most so many configurations.

    Where exits do not matter, they are made at once: they commute with everything, and would double the
    configurations with each task.

    Raises:
        TooManyClassesError: there are more than `at_most` configurations.
        MisjudgedError: two ways to one of them come to different states.
    """
    unfolding = _Unfolding()
    number, endings, met = 0, set(), 0
    level: dict[int, State] = {0: oracle.first}
    while level:
        met += len(level)
        if met > at_most:
            raise TooManyClassesError
        longer: dict[int, State] = {}
        for events, state in level.items():
            for step, after in _next(state, exits_matter):
                if longer.setdefault(unfolding.extended(events, step), after) is not after:
                    raise MisjudgedError(step)
            if not state.next:
                number += 1
                endings.add(state.ending)
        level = longer
    return Classes(number, endings)


def _next(state: State, exits_matter: bool) -> list[tuple[Step, State]]:
    if not exits_matter:
        for step, after in state.next.values():
            if step.operation.kind is OperationKind.PROCESS_EXIT:
                return [(step, after)]
    return list(state.next.values())


def exits_matter(program: ProgramText) -> bool:
    """Whether somebody might see, or be kept waiting by, the exit of another."""
    parts = [part for text in program.texts for part in _parts(text)]
    return any(isinstance(part, Child) or part.kind.value.split(".")[0] not in _ALOOF for part in parts)


def with_what_is_used(program: ProgramText) -> ProgramText:
    """The same program without the objects that it never meets: states are compared much faster then."""
    wanted: set[ObjectId] = set()
    for text in program.texts:
        for part in _parts(text):
            if isinstance(part, Operation):
                wanted.update(
                    (part.object, part.manager, *part.targets, *(end_of(t)[0] for t in part.targets))
                )
    left = {target: state for target, state in program.objects.items() if target in wanted}
    locks = {
        lock for state in left.values() if (lock := getattr(state, "lock", NO_OBJECT)) in program.objects
    }
    return program._replace(objects={**left, **{lock: program.objects[lock] for lock in locks}})


def _parts(text: Text) -> Iterator[Any]:
    for part in text:
        if isinstance(part, Branch):
            yield from _parts(part.then)
            yield from _parts(part.otherwise)
            continue
        yield part
        if isinstance(part, Child):
            yield from _parts(part.text)
