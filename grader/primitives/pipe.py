"""`multiprocessing.Pipe`: what can be done with a connection, and what comes of it. Start at `Pipe`.

A send starts as soon as there is room for its beginning; if it does not fit in whole it has to be *finished*: the
sender waits until so much was received that the rest went in. A task that receives meets the end of file when
nothing is left and nobody holds the other end; one that sends, a broken pipe. If a socket was closed with unread
messages in it, whoever receives at the other end meets a reset first (Linux, net/unix/af_unix.c).

What a pipe is at a moment is in `pipe_state`, when two steps commute in `pipe_rules`.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from grader.core.operations import (
    Creation,
    ErrorCode,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    creator_of,
    end_of,
    end_target,
)
from grader.primitives import pipe_rules
from grader.primitives.base import MutableObjects, Objects, Primitive
from grader.primitives.pipe_state import Holder, PipeState, Sent
from grader.primitives.thread import process_of

_KIND = OperationKind


class Pipe(Primitive):
    """Everything that connections can do."""

    family: ClassVar[str] = "pipe"
    state: ClassVar[type] = PipeState

    def create(self, creation: Creation) -> PipeState:
        mine = (Holder(creator_of(creation.object)),)
        return PipeState(not creation.simple, (mine, mine))

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        kind, end = operation.kind, operation.number
        task = process_of(objects, task)
        if kind is _KIND.PIPE_WAIT:
            waits = operation.may_wait
            return not waits or any(_looked_at(objects, task, target)[1] for target in operation.targets)
        state: PipeState = objects[operation.object]
        if kind is _KIND.PIPE_RECEIVE:
            return _may_receive(state, task, end)
        there = 1 - end
        if kind is _KIND.PIPE_SEND:
            if not state.sends(task, end) or not state.is_open(there):
                return True
            return state.lanes[there].position >= state.room_for(there, operation.data)
        if kind is _KIND.PIPE_FINISH:
            unfinished = state.lanes[there].unfinished(task)
            if unfinished is None or not state.is_open(there):
                return True
            return state.lanes[there].position >= unfinished[1] - state.capacity
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        kind = operation.kind
        task = process_of(objects, task)
        if kind is _KIND.PIPE_WAIT:
            return _wait(objects, task, operation)
        state: PipeState = objects[operation.object]
        if kind is _KIND.PIPE_SEND:
            after, result = _send(state, task, operation)
        elif kind is _KIND.PIPE_FINISH:
            after, result = _finish(state, task, operation.number)
        elif kind is _KIND.PIPE_RECEIVE:
            after, result = _receive(state, task, operation)
        else:
            after, result = _close(state, task, operation.number)
        objects[operation.object] = after
        return result

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        if operation.kind is not _KIND.PIPE_WAIT:
            return (operation.object,)
        return tuple(dict.fromkeys(t if t < 0 else end_of(t)[0] for t in operation.targets))

    def depends(self, a: Step, b: Step) -> bool:
        return pipe_rules.depends(a, b)


def held(objects: Objects, task: TaskId) -> tuple[int, ...]:
    """All pipe ends that `task` has open, as `end_target` numbers them."""
    return tuple(
        end_target(pipe, end)
        for pipe, state in objects.items()
        if type(state) is PipeState
        for end in state.held_by(task)
    )


def made_by(state: PipeState, process: TaskId) -> PipeState:
    """A new pipe as a process has it; `create` gives it to the task that made it."""
    mine = (Holder(process),)
    return msgspec.structs.replace(state, holders=(mine, mine))


def given_back(objects: Objects, task: TaskId) -> tuple[int, ...]:
    """What the end of a process gives back, as `pipe_rules.death_marks`."""
    marks: list[int] = []
    for target in dict.fromkeys(held(objects, task)):
        pipe, end = end_of(target)
        holder: Holder = objects[pipe].holder(task, end)
        marks += pipe_rules.death_marks(target, holder.place)
    return tuple(marks)


def handed_over(objects: Objects, task: TaskId, operation: Operation) -> tuple[int, ...]:
    """The pipe ends that a process starts with: all of its parent's after a fork, else those among its arguments."""
    mine = held(objects, process_of(objects, task))
    return tuple(target for target in operation.targets if target in mine) if operation.data else mine


def inherited(objects: Objects, giver: TaskId, takers: Iterable[TaskId]) -> dict[ObjectId, Any]:
    """The objects with the pipe ends of one task in the hands of others instead."""
    after = dict(objects)
    for target in held(objects, giver):
        pipe, end = end_of(target)
        state: PipeState = after[pipe]
        for taker in takers:
            state = state.opened(taker, end, giver)
        after[pipe] = state.closed(giver, end)
    return after


def _looked_at(objects: Objects, task: TaskId, target: int) -> tuple[int, int, int]:
    """A target of a wait, whether it is ready (what one meets there), and who keeps it from becoming so."""
    if target < 0:
        return target, int(not objects[target].alive), pipe_rules.NOBODY
    pipe, end = end_of(target)
    return target, *objects[pipe].readiness(task, end)


def _wait(objects: Objects, task: TaskId, operation: Operation) -> Result:
    seen = [_looked_at(objects, task, target) for target in operation.targets]
    ready = tuple(target for target, met, _ in seen if met)
    return Result(ok=bool(ready), numbers=ready, marks=tuple(number for look in seen for number in look))


def _error(code: ErrorCode) -> Result:
    return Result(ok=False, error=code)


def _send(state: PipeState, task: TaskId, operation: Operation) -> tuple[PipeState, Result]:
    end = operation.number
    if not state.sends(task, end):
        return state, _error(ErrorCode.BAD_HANDLE)
    there = 1 - end
    lane = state.lanes[there]
    if not state.is_open(there):
        return state, _error(ErrorCode.BROKEN_PIPE)
    number = lane.sent + 1
    behind = lane.written + state.size(operation.data)
    at_once = state.two_way and len(operation.data) <= pipe_rules.ONE_WRITE
    fits = at_once or behind - lane.position <= state.capacity
    room = lane.receive_that_freed(state.room_for(there, operation.data))
    after = msgspec.structs.replace(
        lane,
        messages=(*lane.messages, Sent(operation.data, number, behind)),
        sent=number,
        written=behind,
        sending=lane.sending if fits else tuple(sorted((*lane.sending, (task, number, behind)))),
    )
    return state.with_lane(there, after), Result(
        number=int(not fits), marks=pipe_rules.send_marks(number, room, state.keeper(task, there))
    )


def _finish(state: PipeState, task: TaskId, end: int) -> tuple[PipeState, Result]:
    there = 1 - end
    lane = state.lanes[there]
    unfinished = lane.unfinished(task)
    if unfinished is None:
        return state, Result(marks=pipe_rules.finish_marks(0, 0, pipe_rules.NOBODY))
    number, behind = unfinished
    after = state.with_lane(there, lane.without_sending(task))
    freed = lane.receive_that_freed(behind - state.capacity)
    if number <= len(lane.taken):
        return after, Result(marks=pipe_rules.finish_marks(number, freed, pipe_rules.NOBODY))
    if not state.is_open(there):
        return after, _error(ErrorCode.BROKEN_PIPE)
    return after, Result(marks=pipe_rules.finish_marks(number, freed, state.keeper(task, there)))


def _may_receive(state: PipeState, task: TaskId, end: int) -> bool:
    lane = state.lanes[end]
    if not state.receives(task, end) or not state.is_open(1 - end):
        return True
    return len(lane.messages) > 1 or bool(lane.messages and not lane.messages[0].cut)


def _receive(state: PipeState, task: TaskId, operation: Operation) -> tuple[PipeState, Result]:
    end = operation.number
    if not state.receives(task, end):
        return state, _error(ErrorCode.BAD_HANDLE)
    lane = state.lanes[end]
    if not lane.messages:
        return _at_the_end(state, end)
    oldest, *rest = lane.messages
    if oldest.headless or (oldest.cut and rest):
        return state, _error(ErrorCode.MIXED_UP)
    limit = operation.offset - 1
    if 0 <= limit < len(oldest.data):
        refused = msgspec.structs.replace(oldest, headless=True)
        return state.with_lane(end, msgspec.structs.replace(lane, messages=(refused, *rest))), _error(
            ErrorCode.TOO_LONG
        )
    after = state.with_lane(
        end, msgspec.structs.replace(lane, messages=tuple(rest), taken=(*lane.taken, oldest.end))
    )
    if oldest.cut:
        return after, _error(ErrorCode.CUT_OFF)
    marks = pipe_rules.receive_marks(oldest.number, lane.sender_of(oldest.number))
    return after, Result(data=oldest.data, marks=marks)


def _at_the_end(state: PipeState, end: int) -> tuple[PipeState, Result]:
    """Nothing is left, and nobody to send more."""
    lane = state.lanes[end]
    if not state.lanes[1 - end].messages or lane.told:
        return state, _error(ErrorCode.END_OF_FILE)
    told = msgspec.structs.replace(lane, told=True)
    return state.with_lane(end, told), _error(ErrorCode.CONNECTION_RESET)


def _close(state: PipeState, task: TaskId, end: int) -> tuple[PipeState, Result]:
    mine = state.holder(task, end)
    if mine is None:
        return state, _error(ErrorCode.BAD_HANDLE)
    return state.closed(task, end), Result(marks=pipe_rules.close_marks(mine.place))
