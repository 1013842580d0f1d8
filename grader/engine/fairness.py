"""Polling loops: a task that only goes round and round is set aside until something that it looked at changes.

Start at `Idling.announced`. A task *rests* when it announces an operation that it has already done in the same local
state (same place, same mark), and has since then left every object that it touched as it was, seeing only its own
traces there: alone, it would come exactly here again. It goes on as soon as a round would meet something else.
Taking a lock, looking, and giving the lock back counts as leaving it as it was; it rests where the lock is free.

Resting is a heuristic of the scheduler, never a verdict by itself: when nobody else can move, the driver lets
resting tasks run on, and only a long time without anything new is a livelock. What it may leave out: a round that
changes something for a while (the lock) is not made again for another task to run into it with a non-blocking call.
`disturbs` tells when that could make a difference.

The idea is the fair scheduler of CHESS (Musuvathi, Qadeer: Fair stateless model checking, PLDI 2008), with the
comparison of states in place of its yield heuristics.
"""

from typing import Any, TypeAlias

import msgspec

from grader.core.operations import ObjectId, Operation, OperationKind, Step, TaskId
from grader.engine.steps import is_enabled, perform
from grader.primitives.base import Objects
from grader.primitives.lock import LockState

_Visit: TypeAlias = tuple[Any, ...]
"""An operation and the mark of the local state it was announced in; or what tells that, without a mark."""

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
    """The last steps of a task, and if it rests, the round that it would make again.

    `hidden` are the objects that the round changes for a while.
    """

    made: tuple[Made, ...] = ()
    visit: _Visit | None = None
    round: tuple[Step, ...] = ()
    hidden: frozenset[ObjectId] = frozenset()

    def announced(self, operation: Operation, mark: int, objects: Objects) -> "Idling":
        """The task is about to do `operation`, in the local state `mark` (0: unknown)."""
        visit = (operation, mark) if mark else self._visit_after_marked(operation)
        places = [number for number, made in enumerate(self.made) if made.visit == visit]
        if visit is None or not places:
            return Idling(self.made, visit)
        again = self.made[places[-1] :]
        changed = _changed_for_a_while(again, objects)
        if changed is None or any(_held(objects.get(target), again[0].step.task) for target in changed):
            return Idling(self.made, visit)
        return Idling(self.made, visit, tuple(made.step for made in again), changed)

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
        """Whether another round would meet exactly the same as the last, as far as it comes."""
        if not self.round:
            return False
        tried = dict(objects)
        for step in self.round:
            if not is_enabled(tried, step.task, step.operation):
                return True
            if perform(tried, step.task, step.operation).result != step.result:
                return False
        return True

    def woken(self, objects: Objects) -> tuple[Step, ...]:
        """The round after which the task rested, if it can go on now because it would meet something else."""
        return () if self.resting(objects) else self.round

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
