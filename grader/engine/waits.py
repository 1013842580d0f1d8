"""Vain rounds: what a task has done again and again for nothing, and the bound on doing it once more.

Start at `Waiting`. A task makes a *vain round* when it comes back to the same place of its program having only looked,
slept, or taken and given back. Which rounds a task has made is a function of its own history, that is, of its
operations and their results; no local variable is compared. The bound turns the last look of a round that was made
often enough into an *await*: the task may look once more only if it would see something else. So the bounded program
is an ordinary program with blocking operations, and the search explores it completely, as it does locks.

The bound composes with partial order reduction because it belongs to the history of one task, which all
interleavings of a trace share; a bound on preemptions belongs to a schedule, and does not. A task that awaits is
woken by whatever changes what it would see, and on that its look depends anyway.

Related: GenMC's and Nidhugg's transformation of spin loops into assumptions (Jonsson, Lång, Sagonas: Awaiting for
Godot, FMCAD 2022), which needs a static proof that a round changes nothing; here nothing is proven, and the claim
says how often a wait was let fail.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple, TypeAlias

import msgspec

from grader.core.operations import (
    NO_OBJECT,
    OBJECTS_PER_TASK,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    creator_of,
)
from grader.engine.steps import is_enabled, perform
from grader.primitives.base import Objects

_KIND = OperationKind

LONGEST_ROUND = 64
"""Loops with more operations in one round are not recognised: the bound does not hold for them."""

_CONDITIONS = (_KIND.CONDITION_WAIT, _KIND.CONDITION_RESUME, _KIND.CONDITION_LEAVE)
_NEUTRAL = (
    _KIND.SLEEP,
    _KIND.LOCK_ACQUIRE,
    _KIND.LOCK_RELEASE,
    _KIND.MEMORY_WRITE,
    _KIND.EVENT_ENTER,
    *_CONDITIONS,
)
"""What may stand in a vain round beside looks, if in the end it comes to nothing."""
_FIRST_NAME: ObjectId = NO_OBJECT + 2**20
"""What the objects are called that a round has made itself."""
_NO_LOOKS = (
    *(_KIND.SLEEP, _KIND.LOCK_RELEASE, _KIND.MEMORY_WRITE, _KIND.CONDITION_LEAVE),
    *(_KIND.EVENT_SET, _KIND.EVENT_CLEAR),
)
"""What is no look even where it changes nothing, since it would in another state."""

Place: TypeAlias = int
"""A position in a program: which functions are called, and where each of them is. 0 is unknown."""


class Sign(NamedTuple):
    """One step of a round, as it is compared with others."""

    place: Place
    operation: Operation
    result: Result | None
    changed: bool

    @property
    def is_look(self) -> bool:
        """Whether the step has only looked, or tried in vain."""
        return not self.changed and self.operation.kind not in _NO_LOOKS


Round: TypeAlias = tuple[Sign, ...]


class Moment(msgspec.Struct, frozen=True):
    """The last step of a task, and what was before it. `made` counts the objects it had created before."""

    before: "Moment | None"
    sign: Sign
    made: int
    digest: int
    """Stands for the whole history up to here; only to be compared within one process of ours."""

    def backwards(self) -> Iterator["Moment"]:
        """This one, the one before, and so on."""
        moment: Moment | None = self
        while moment is not None:
            yield moment
            moment = moment.before


class Bounds(msgspec.Struct, frozen=True):
    """How often a vain round may be made: `most` times, or more often where it starts at one of `places`.

    `known` are rounds that need not be made once to be recognised. A bound never changes during an exploration, so
    that a program does the same again under the same schedule.
    """

    most: int = 1
    places: Mapping[Place, int] = {}
    known: frozenset[Round] = frozenset()

    def of(self, one: Round) -> int:
        """The bound of one round."""
        return max(self.most, self.places.get(one[0].place, 0))


class Waiting(msgspec.Struct, frozen=True):
    """What a task has done so far, how often it has made each vain round, and what that means for its next operation.

    `made` and `making` count the objects it had created before its next operation, and those included that it made for
    that. `awaited` are the rounds that it would make once too often if the operation gave the same as in them.
    """

    task: TaskId
    past: Moment | None = None
    place: Place = 0
    made: int = 0
    making: int = 0
    counts: Mapping[Round, int] = {}
    awaited: tuple[Round, ...] = ()

    @property
    def digest(self) -> int:
        """Stands for all that the task has done (0: nothing); only to be compared within one process of ours."""
        return self.past.digest if self.past is not None else 0

    def announced(self, operation: Operation, place: Place, created: int, bounds: Bounds) -> "Waiting":
        """The task is about to do `operation`, at `place`, and has created so many objects since its last one."""
        made, making, counts = self.making, self.making + created, self.counts
        look = Sign(place, plain(operation), None, False)
        one = self._round_before(look, made) if place else None
        if one is not None and self._is_vain(one):
            counts = {**counts, one: counts.get(one, 0) + 1}
        spent = [other for other, times in counts.items() if times >= bounds.of(other)]
        spent += [other for other in bounds.known if other not in counts and bounds.of(other) == 0]
        awaited = tuple(other for other in spent if self._would_repeat(other, look, made))
        return Waiting(self.task, self.past, place, made, making, counts, awaited)

    def stepped(self, step: Step) -> "Waiting":
        """The task did what it had announced."""
        sign = Sign(self.place, plain(step.operation), bare(step.result), step.changed)
        return msgspec.structs.replace(self, past=_after(self.past, sign, self.made), awaited=())

    def settled(self, changed: bool) -> "Waiting":
        """It is known by now whether the last step has changed the object that it was let change."""
        past = self.past
        if past is None or past.sign.changed == changed:
            return self
        settled = _after(past.before, past.sign._replace(changed=changed), past.made)
        return msgspec.structs.replace(self, past=settled)

    def holds_back(self, objects: Objects, operation: Operation) -> bool:
        """Whether the bound keeps the task waiting, which could go on: it would only see the same once more."""
        if not self.awaited or not is_enabled(objects, self.task, operation):
            return False
        step = perform(dict(objects), self.task, operation)
        if step.changed and operation.kind is not _KIND.REFERENT_CHANGE:
            return False
        # A call that may change a manager's object leaves it as it is if it is given the same as when it did so before.
        return any(bare(step.result) == one[_last_look(one)].result for one in self.awaited)

    def _round_before(self, start: Sign, made: int) -> Round | None:
        """The steps since the task was last about to do the same at the same place."""
        steps: list[Moment] = []
        for moment in self.past.backwards() if self.past is not None else ():
            steps.append(moment)
            if len(steps) > LONGEST_ROUND:
                return None
            if moment.sign.place == start.place:
                first = self._renamed(moment.sign, moment.made)
                if first.operation == self._renamed(start, made).operation:
                    return tuple(self._renamed(step.sign, moment.made) for step in reversed(steps))
        return None

    def _would_repeat(self, one: Round, look: Sign, made: int) -> bool:
        """Whether the task has done what comes before the last look of a round, and is about to look."""
        last = _last_look(one)
        if one[last].place != look.place:
            return False
        steps = list(islice(self.past.backwards(), last)) if self.past is not None else []
        if len(steps) < last:
            return False
        start = steps[-1].made if steps else made
        if self._renamed(look, start).operation != one[last].operation:
            return False
        return all(self._renamed(step.sign, start) == sign for step, sign in zip(reversed(steps), one))

    def _renamed(self, sign: Sign, start: int) -> Sign:
        """A step with the objects that the round beginning at `start` has created named by their order.

        What is made anew in each round, as `threading.Event.wait` makes a lock, is the same in each.
        """
        target = sign.operation.object
        if target < 0 or creator_of(target) != self.task or target % OBJECTS_PER_TASK < start:
            return sign
        name = _FIRST_NAME + target % OBJECTS_PER_TASK - start
        return sign._replace(operation=msgspec.structs.replace(sign.operation, object=name))

    def _is_vain(self, one: Round) -> bool:
        """Whether a round, the last one that the task has made, has come to nothing."""
        if not any(sign.is_look for sign in one):
            return False
        if any(not sign.is_look and sign.operation.kind not in _NEUTRAL for sign in one):
            return False
        return _gives_back(one) and self._writes_the_same(one)

    def _writes_the_same(self, one: Round) -> bool:
        """Whether each cell that the round has written was last written with the same bytes before it."""
        written = {_cell(sign): sign.operation.data for sign in one if _writes(sign)}
        if not written:
            return True
        assert self.past is not None
        for moment in islice(self.past.backwards(), len(one), None):
            if _writes(moment.sign) and _cell(moment.sign) in written:
                if written.pop(_cell(moment.sign)) != moment.sign.operation.data:
                    return False
                if not written:
                    return True
        return False


def bare(result: Result | None) -> Result | None:
    """A result as the task is told it, without the marks that mean nothing to it."""
    return msgspec.structs.replace(result, marks=()) if result is not None and result.marks else result


def plain(operation: Operation) -> Operation:
    """An operation as it is compared: for how long a task sleeps makes no difference."""
    if operation.kind is _KIND.SLEEP and operation.number:
        return msgspec.structs.replace(operation, number=0)
    return operation


def _after(before: Moment | None, sign: Sign, made: int) -> Moment:
    return Moment(before, sign, made, hash((before.digest if before is not None else 0, sign)))


def _last_look(one: Round) -> int:
    """The number of the last step of a vain round that only looks."""
    return max(number for number, sign in enumerate(one) if sign.is_look)


def _writes(sign: Sign) -> bool:
    return sign.operation.kind is _KIND.MEMORY_WRITE


def _cell(sign: Sign) -> tuple[ObjectId, int, int]:
    return sign.operation.object, sign.operation.offset, len(sign.operation.data)


def _gives_back(one: Round) -> bool:
    """Whether the round gives back as often as it takes, lock by lock, and leaves every condition that it entered."""
    balance: Counter[tuple[str, ObjectId]] = Counter()
    for sign in one:
        kind, target = sign.operation.kind, sign.operation.object
        if kind in _CONDITIONS or not sign.changed:
            balance["condition", target] += {_KIND.CONDITION_WAIT: 1, _KIND.CONDITION_LEAVE: -1}.get(kind, 0)
        elif kind in (_KIND.LOCK_ACQUIRE, _KIND.LOCK_RELEASE):
            balance["lock", target] += 1 if kind is _KIND.LOCK_ACQUIRE else -1
    if any(sign.operation.kind is _KIND.CONDITION_WAIT for sign in one):
        # A wait gives back the lock of its condition, however often that was taken, and takes it again so often.
        return not any(times for (what, _), times in balance.items() if what == "condition")
    return not any(balance.values())
