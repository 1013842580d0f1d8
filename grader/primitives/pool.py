"""`multiprocessing.Pool` and `ProcessPoolExecutor`: tasks on their way to the workers, results on their way back.

Start at `PoolState`. In CPython a pool is two pipes and three threads in the parent, which move tasks and results;
what they do can be seen only in when a task is taken, when its result is there, and in which order results arrive,
so that is all there is here:

* `submit`: one task more. `offset` is the place (from 1) of the only worker that may take it, 0 for any; `number` is
  1 if its place among the results can be seen when it fails (of several failures in `map` the first one counts), and
  2 if it can always be seen (a callback, `imap_unordered`): it comes by `next` then.
* `take` by the worker at place `number`: the first task that it may take. Without a task it waits; when the pool is
  closed and no result is missing, it is told to end.
* `done`: the result of task `number`; `offset` is 1 if the task failed.
* `result`: the parent wants that of task `number`; `next` is the first that has arrived of those whose turn is seen.
  Either gives up if it may not wait; and it is told (`numbers`) when one of the workers `targets` has ended, because
  the parent then has to start another one. A task that this worker had taken is lost, as it is in CPython.
* `cancel`: take task `number` back, if nobody has taken it. `close`: no more tasks; with `block` false, the tasks
  that nobody has taken yet are gone as well.

Steps carry in their marks which task they are about and the place among the results, so dependence is exact
(`pool_rules`): results whose order cannot be seen commute, and so do takes of tasks meant for different workers.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    GAVE_UP,
    Creation,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
)
from grader.primitives import pool_rules
from grader.primitives.base import MutableObjects, Objects, Primitive

_KIND = OperationKind


class Chunk(msgspec.Struct, frozen=True):
    """A task for the workers: one call, or those of several items. `text` says in short what it is."""

    number: int
    data: bytes
    place: int = 0
    order: int = 0
    text: str = ""


class Taken(msgspec.Struct, frozen=True):
    """A task at work, or lost with its worker."""

    chunk: Chunk
    worker: TaskId


class Came(msgspec.Struct, frozen=True):
    """A result that the parent has not looked at yet; `position` among those whose order counts (0: it does not)."""

    number: int
    data: bytes
    position: int = 0


class PoolState(msgspec.Struct, frozen=True):
    """Tasks waiting, at work, and their results, by number; `arrivals` are the tasks whose turn comes by `next`.

    `finished` counts the results, `positions` those whose order counts. After `ended`, no task is left for anybody.
    """

    waiting: tuple[Chunk, ...] = ()
    taken: tuple[Taken, ...] = ()
    results: tuple[Came, ...] = ()
    arrivals: tuple[int, ...] = ()
    submitted: int = 0
    cancelled: int = 0
    finished: int = 0
    positions: int = 0
    closed: bool = False
    ended: bool = False

    @property
    def drained(self) -> bool:
        """Whether the workers may go home."""
        return self.closed and self.finished + self.cancelled == self.submitted and not self.ended

    def first_for(self, place: int) -> Chunk | None:
        """The task that the worker at this place would take."""
        return next((chunk for chunk in self.waiting if chunk.place in (0, place)), None)

    def came(self, number: int) -> Came | None:
        """The result of a task, if it is there."""
        return next((result for result in self.results if result.number == number), None)


class Pool(Primitive):
    """Everything that the two kinds of pools do."""

    family: ClassVar[str] = "pool"
    state: ClassVar[type] = PoolState

    def create(self, creation: Creation) -> PoolState:
        return PoolState()

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        state: PoolState = objects[operation.object]
        if operation.kind is _KIND.POOL_TAKE:
            return state.drained or state.first_for(operation.number) is not None
        if operation.kind not in (_KIND.POOL_RESULT, _KIND.POOL_NEXT) or not operation.may_wait:
            return True
        here = state.arrivals if operation.kind is _KIND.POOL_NEXT else state.came(operation.number)
        return bool(here) or bool(_dead(objects, operation))

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: PoolState = objects[operation.object]
        kind = operation.kind
        if kind is _KIND.POOL_SUBMIT:
            after, result = _submit(state, operation)
        elif kind is _KIND.POOL_TAKE:
            after, result = _take(state, task, operation)
        elif kind is _KIND.POOL_DONE:
            after, result = _done(state, task, operation)
        elif kind is _KIND.POOL_CANCEL:
            after, result = _cancel(state, operation)
        elif kind is _KIND.POOL_CLOSE:
            after, result = _close(state, operation), DONE
        else:
            number = operation.number if kind is _KIND.POOL_RESULT else next(iter(state.arrivals), 0)
            came = state.came(number)
            if came is None:
                dead = _dead(objects, operation)
                return Result(ok=False, numbers=dead) if dead else GAVE_UP
            after, result = _collect(state, came, kind is _KIND.POOL_NEXT)
        if after is not state:
            objects[operation.object] = after
        return result

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        return (operation.object, *operation.targets)

    def depends(self, a: Step, b: Step) -> bool:
        return a.operation.object == b.operation.object and pool_rules.depends(a, b)


def _dead(objects: Objects, operation: Operation) -> tuple[ObjectId, ...]:
    """The workers that have ended."""
    return tuple(target for target in operation.targets if not objects[target].alive)


def _submit(state: PoolState, operation: Operation) -> tuple[PoolState, Result]:
    number = state.submitted + 1
    chunk = Chunk(number, operation.data, operation.offset, operation.number, operation.text)
    after = msgspec.structs.replace(state, submitted=number, waiting=(*state.waiting, chunk))
    return after, Result(number=number, marks=(number,))


def _take(state: PoolState, task: TaskId, operation: Operation) -> tuple[PoolState, Result]:
    chunk = state.first_for(operation.number)
    if chunk is None:
        return state, GAVE_UP
    after = msgspec.structs.replace(
        state,
        waiting=tuple(other for other in state.waiting if other is not chunk),
        taken=tuple(sorted((*state.taken, Taken(chunk, task)), key=lambda one: one.chunk.number)),
    )
    return after, Result(
        number=chunk.number, data=chunk.data, marks=pool_rules.take_marks(chunk.number, chunk.place)
    )


def _done(state: PoolState, task: TaskId, operation: Operation) -> tuple[PoolState, Result]:
    mine = (one for one in state.taken if one.worker == task and one.chunk.number == operation.number)
    taken = next(mine, None)
    if taken is None:
        return state, GAVE_UP
    turn = taken.chunk.order > 1
    counts = turn or (taken.chunk.order and operation.offset)
    position = state.positions + 1 if counts else 0
    results = (*state.results, Came(operation.number, operation.data, position))
    after = msgspec.structs.replace(
        state,
        taken=tuple(other for other in state.taken if other is not taken),
        results=tuple(sorted(results, key=lambda one: one.number)),
        arrivals=(*state.arrivals, operation.number) if turn else state.arrivals,
        finished=state.finished + 1,
        positions=position or state.positions,
    )
    return after, Result(marks=(operation.number, position))


def _collect(state: PoolState, came: Came, by_turn: bool) -> tuple[PoolState, Result]:
    after = msgspec.structs.replace(
        state,
        results=tuple(other for other in state.results if other is not came),
        arrivals=tuple(number for number in state.arrivals if number != came.number),
    )
    return after, Result(number=came.number, data=came.data, numbers=(came.position,), marks=(came.number,))


def _cancel(state: PoolState, operation: Operation) -> tuple[PoolState, Result]:
    left = tuple(chunk for chunk in state.waiting if chunk.number != operation.number)
    if len(left) == len(state.waiting):
        return state, GAVE_UP
    return msgspec.structs.replace(state, waiting=left, cancelled=state.cancelled + 1), DONE


def _close(state: PoolState, operation: Operation) -> PoolState:
    if operation.block:
        return msgspec.structs.replace(state, closed=True)
    return msgspec.structs.replace(state, closed=True, ended=True, waiting=())
