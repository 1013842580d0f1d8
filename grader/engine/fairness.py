"""Polling loops: a task that only goes round and round is set aside until something that it looked at changes.

Start at `Idling.announced`. A task *rests* when it announces an operation that it has already done in the same local
state (same place, same mark), and has since then left every object that it touched as it was, seeing only its own
traces there: alone, it would come exactly here again. It goes on as soon as a round would meet something else.
Taking a lock, looking, and giving the lock back counts as leaving it as it was; it rests where the lock is free.

Resting is a heuristic of the scheduler, never a verdict by itself: when nobody else can move, the driver lets
resting tasks run on, and only a long time without anything new is a livelock. What it may leave out: a round that
changes something for a while (the lock) is not made again for another task to run into it with a non-blocking call.
`disturbs` tells when that could make a difference.

A round that only looks, once, and leads back to where it began, can be left out from the start: the states that can
be reached are the same. `Rounds` keeps those that were seen, so that a later exploration need not make them at all.

The idea is the fair scheduler of CHESS (Musuvathi, Qadeer: Fair stateless model checking, PLDI 2008), with the
comparison of states in place of its yield heuristics.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from grader.core.operations import ObjectId, Operation, OperationKind, Step, TaskId
from grader.engine.steps import is_enabled, perform
from grader.engine.turns import begins
from grader.primitives.base import Objects
from grader.primitives.lock import LockState

_Visit: TypeAlias = tuple[Any, ...]
"""An operation and the mark of the local state it was announced in; or what tells that, without a mark."""

_Round: TypeAlias = tuple[Step, ...]
KnownRounds: TypeAlias = Mapping[_Visit, tuple[_Round, ...]]
"""Rounds of one task by the visit that they begin and end with."""

LONGEST_ROUND = 64
"""Loops with more operations in them are not recognised."""

_TURNS = (OperationKind.LOCK_ACQUIRE, OperationKind.LOCK_RELEASE)


class Made(msgspec.Struct, frozen=True):
    """A step of the task: which visit it was, and the states of its objects before and after."""

    step: Step
    visit: _Visit | None
    before: tuple[Any, ...]
    after: tuple[Any, ...]


class Idling(msgspec.Struct, frozen=True):
    """The last steps of a task, and if it rests, the rounds that it would not make again.

    It rests as long as one of the `rounds` would be met again. `hidden` are the objects that the last one, if the task
    has made it itself, changes for a while.
    """

    made: tuple[Made, ...] = ()
    visit: _Visit | None = None
    rounds: tuple[_Round, ...] = ()
    hidden: frozenset[ObjectId] = frozenset()

    def announced(
        self, operation: Operation, mark: int, objects: Objects, known: "KnownRounds | None" = None
    ) -> "Idling":
        """The task is about to do `operation`, in the local state `mark` (0: unknown).

        `known` are rounds of this task that need not be made to be known.
        """
        visit = (operation, mark) if mark else self._visit_after_marked(operation)
        rounds = known.get(visit, ()) if known and visit is not None else ()
        places = [number for number, made in enumerate(self.made) if made.visit == visit]
        if visit is None or not places:
            return Idling(self.made, visit, rounds)
        again = self.made[places[-1] :]
        changed = _changed_for_a_while(again, objects)
        if changed is None or any(_held(objects.get(target), again[0].step.task) for target in changed):
            return Idling(self.made, visit, rounds)
        return Idling(self.made, visit, (*rounds, tuple(made.step for made in again)), changed)

    def _visit_after_marked(self, operation: Operation) -> _Visit | None:
        """An operation without a mark is known by the last one with a mark, and all that came after that."""
        marked = [number for number, made in enumerate(self.made) if made.visit and made.visit[1]]
        if not marked:
            return None
        since = self.made[marked[-1] :]
        return operation, 0, since[0].visit, tuple((made.step.operation, made.step.result) for made in since)

    def settled(self, state: Any) -> "Idling":
        """What the last step did to the (only) object that it met is known by now."""
        *earlier, last = self.made
        known = msgspec.structs.replace(last, after=(state,))
        return msgspec.structs.replace(self, made=(*earlier, known))

    def resting(self, objects: Objects) -> bool:
        """Whether another round would meet exactly the same as one of those before, as far as it comes."""
        return any(_differing(made, objects) is None for made in self.rounds)

    def woken(self, objects: Objects) -> tuple[Step, ...]:
        """If the task had rested, and can go on now: the step of each round that would meet something new, as it would.

        What that step depends on has woken the task, or could have kept it at rest. Whatever else has changed since
        did not have to come before.
        """
        found = [_differing(made, objects) for made in self.rounds]
        steps = [step for step in found if step is not None]
        return tuple(dict.fromkeys(steps)) if len(steps) == len(found) else ()

    def stepped(self, before: Objects, step: Step, after: Objects) -> "Idling":
        """The task did what it had announced."""
        if self.visit is None and not self.made:
            return NOT_IDLING
        earlier = () if self.woken(before) else self.made[1 - LONGEST_ROUND :]
        states = tuple(before.get(target) for target in step.touches)
        return Idling(
            (*earlier, Made(step, self.visit, states, tuple(after.get(target) for target in step.touches)))
        )


NOT_IDLING = Idling()


def _differing(made: _Round, objects: Objects) -> Step | None:
    """The first step of the round that would have another result now, None if there is none."""
    tried = dict(objects)
    for step in made:
        if not is_enabled(tried, step.task, step.operation):
            return None
        again = perform(tried, step.task, step.operation)
        if again.result != step.result:
            return again
    return None


class Rounds:
    """Rounds that changed nothing, not even for a while: those `known` from the start, and those `learned` since.

    Only rounds that look once: between two looks others may move, and what the task has seen of a state that was never
    there is not to be left out.

    What is known never changes, so that a program does the same again under the same schedule.
    """

    def __init__(self, known: Mapping[TaskId, KnownRounds] | None = None) -> None:
        self._known = known or {}
        self._learned: dict[tuple[TaskId, _Visit], dict[_Round, None]] = {}

    def of(self, task: TaskId) -> KnownRounds | None:
        """What is known of a task."""
        return self._known.get(task)

    def learn(self, task: TaskId, idling: Idling) -> None:
        """Keep the round after which a task rests now."""
        if not idling.rounds or idling.visit is None or idling.hidden:
            return
        made = idling.rounds[-1]
        if sum(begins(step.operation) for step in made) > 1:
            return
        if made not in self._known.get(task, {}).get(idling.visit, ()):
            self._learned.setdefault((task, idling.visit), {})[made] = None

    @property
    def learned(self) -> int:
        """How many rounds were seen that were not known."""
        return sum(map(len, self._learned.values()))

    def with_learned(self) -> "Rounds":
        """The same with all that was learned known."""
        known = {task: dict(visits) for task, visits in self._known.items()}
        for (task, visit), made in self._learned.items():
            visits = known.setdefault(task, {})
            visits[visit] = (*visits.get(visit, ()), *made)
        return Rounds(known)


def _changed_for_a_while(made: tuple[Made, ...], objects: Objects) -> frozenset[ObjectId] | None:
    """What a round changed and put back; None if it left something changed, or met what others had done meanwhile."""
    first: dict[ObjectId, Any] = {}
    last: dict[ObjectId, Any] = {}
    changed: set[ObjectId] = set()
    for one in made:
        for target, before, after in zip(one.step.touches, one.before, one.after):
            if target in last and not same(last[target], before):
                return None
            first.setdefault(target, before)
            last[target] = after
            if not same(first[target], after):
                changed.add(target)
    put_back = all(same(objects.get(target), state) for target, state in first.items())
    return frozenset(changed) if put_back else None


def _held(state: Any, task: TaskId) -> bool:
    return type(state) is LockState and task in state.holders


def same(one: Any, other: Any) -> bool:
    """Whether two states of an object are equal."""
    return one is other or bool(one == other)


def disturbs(step: Step, resting: Idling) -> bool:
    """Whether a step of another task might have met something else, had the resting one gone round again."""
    operation = step.operation
    if operation.object not in resting.hidden:
        return False
    return operation.kind not in _TURNS or not operation.may_wait
