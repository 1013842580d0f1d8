"""Which steps on a pipe commute, exactly, from the numbers that each step carries in its marks. Start at `depends`.

Messages of a lane are numbered. Marks of a send: its number, the message whose receiving made its room (0: none),
the *keeper* of the other end. Of a finish: the number, the message whose receiving let the rest in, the keeper (none
if the message was received already). Of a receive: the number, and who had yet to finish that message. Of a wait,
for each target: the target, what it met there (the next message, 0 for nothing, `OVER`), the keeper. Of a close: the
place of the task among the holders; of an exit or a kill, for each end given back: `-1 - target` and the place.

The keeper is (the place of) the first of the tasks that have the other end open, or `NOBODY` if the task has it open
itself. As long as the keeper does not give it back, it does not matter who behind it does. First come parents, then
children, the latest first: a process that starts gets ends that its parent has, and so never is the first. So where a
parent keeps an end open, the exits of its children are independent of everything that happens there.

`clashes` is about calls that are more than one read or write of bytes: two tasks that are in them at the same time
take each other's bytes apart (Python's documentation: "data in a pipe may become corrupted").
"""

from collections.abc import Callable, Iterator

from grader.core.operations import ObjectId, Operation, OperationKind, Step, TaskId, end_of, task_of

_SEND = OperationKind.PIPE_SEND
_FINISH = OperationKind.PIPE_FINISH
_RECEIVE = OperationKind.PIPE_RECEIVE
_WAIT = OperationKind.PIPE_WAIT
_CLOSE = OperationKind.PIPE_CLOSE
_EXIT = OperationKind.PROCESS_EXIT
_KILL = OperationKind.PROCESS_KILL

OVER = -1
"""What one meets at an end to which nobody can send any more."""
NOBODY = -(2**60)
"""The keeper where none is needed."""
_MOST_TASKS = 2**40
ONE_WRITE = 16_384
"""A longer message is written in two parts, its length and the rest (Lib/multiprocessing/connection.py)."""


def send_marks(number: int, room: int, keeper: int) -> tuple[int, ...]:
    """The marks of a send."""
    return (number, room, keeper)


def finish_marks(number: int, freed: int, keeper: int) -> tuple[int, ...]:
    """The marks of a finish."""
    return (number, freed, keeper)


def receive_marks(number: int, sender: TaskId) -> tuple[int, ...]:
    """The marks of a receive; `sender` has yet to finish the message (`JUDGE`: it was in whole)."""
    return (number, sender)


def close_marks(where: int) -> tuple[int, ...]:
    """The marks of a close."""
    return (where,)


def death_marks(target: int, where: int) -> tuple[int, int]:
    """What the marks of an exit or a kill say about an end given back; never to be taken for those about queues."""
    return (-1 - target, where)


def place(rank: int, task: TaskId) -> int:
    """Where a task stands among those who have an end open, as a number to compare."""
    return rank * _MOST_TASKS - task


def depends(a: Step, b: Step) -> bool:
    """Whether two steps of different tasks on one pipe must keep their order."""
    for one, other in ((a, b), (b, a)):
        rule = _RULES.get((one.operation.kind, other.operation.kind))
        if rule is not None:
            return rule(one, other)
    return False


def death_depends(death: Step, step: Step) -> bool:
    """Whether the end of a process (an exit or a kill) and a step on pipes must keep their order."""
    kind = death.operation.kind
    if kind not in (_EXIT, _KILL):
        return False
    if death.result is None or step.result is None:
        return True
    if not death.result.ok:
        return False
    dead = task_of(death.touches[0])  # the process, whichever of its threads ended it
    if step.operation.kind is _WAIT and -1 - dead in step.operation.targets:
        return True
    if step.operation.kind is _RECEIVE and step.result.ok and _marks(step)[1] == dead:
        return True
    marks = _marks(death)
    return any(
        mark < 0 and _release_matters(step, where, *end_of(-1 - mark))
        for mark, where in zip(marks[::2], marks[1::2])
    )


def clashes(operation: Operation, other: Operation) -> bool:
    """Whether two calls by different tasks, both about to go on, may mix up the bytes of their messages."""
    if operation.object != other.object or operation.number != other.number:
        return False
    if operation.kind is _RECEIVE:
        return other.kind is _RECEIVE
    kinds = (_SEND, _FINISH)
    if operation.kind not in kinds or other.kind not in kinds:
        return False
    return any(one.kind is _FINISH or len(one.data) > ONE_WRITE for one in (operation, other))


def _marks(step: Step) -> tuple[int, ...]:
    return step.result.marks if step.result is not None else ()


def _ok(step: Step) -> bool:
    return step.result is not None and step.result.ok


def _open(*steps: Step) -> bool:
    """Whether one of the steps has not happened yet."""
    return any(step.result is None for step in steps)


def _to(step: Step) -> int:
    """The end to which the messages go that a step is about."""
    operation = step.operation
    return operation.number if operation.kind is _RECEIVE else 1 - operation.number


def _same_lane(a: Step, b: Step) -> bool:
    return _to(a) == _to(b)


def _send_receive(send: Step, receive: Step) -> bool:
    """Also a finish: what makes room for it is its second mark, too."""
    if not _same_lane(send, receive):
        return False
    if _open(send, receive) or not _ok(send) or not _ok(receive):
        return True
    return _marks(receive)[0] in _marks(send)[:2]


def _send_send(a: Step, b: Step) -> bool:
    return _same_lane(a, b) and (_open(a, b) or _ok(a) or _ok(b))


def _receive_receive(a: Step, b: Step) -> bool:
    return _same_lane(a, b)


def _met(wait: Step, pipe: ObjectId) -> Iterator[tuple[int, int, int]]:
    """End, what was met there and keeper, for each target of a wait on that pipe."""
    marks = _marks(wait)
    for target, met, keeper in zip(marks[::3], marks[1::3], marks[2::3]):
        if target >= 0 and end_of(target)[0] == pipe:
            yield end_of(target)[1], met, keeper


def _wait_send(wait: Step, send: Step) -> bool:
    if _open(wait, send):
        return True
    if not _ok(send):
        return False
    number = _marks(send)[0]
    return any(end == _to(send) and not 0 < met < number for end, met, _ in _met(wait, send.operation.object))


def _wait_receive(wait: Step, receive: Step) -> bool:
    if _open(wait, receive):
        return True
    return any(end == _to(receive) for end, _, _ in _met(wait, receive.operation.object))


def _change_close(step: Step, close: Step) -> bool:
    if _open(step, close):
        return True
    return _ok(close) and _release_matters(
        step, _marks(close)[0], close.operation.object, close.operation.number
    )


def _release_matters(step: Step, where: int, pipe: ObjectId, end: int) -> bool:
    """Whether it makes a difference to a step that the task of a place gives back an end before, or after."""
    operation = step.operation
    if operation.kind is _WAIT:
        return any(
            here == 1 - end and (met == OVER or where <= keeper) for here, met, keeper in _met(step, pipe)
        )
    if operation.object != pipe:
        return False
    if operation.kind is _RECEIVE:
        return operation.number == 1 - end and not _ok(step)
    if operation.kind in (_SEND, _FINISH):
        return operation.number == 1 - end and (not _ok(step) or where <= _marks(step)[2])
    return False


_RULES: dict[tuple[OperationKind, OperationKind], Callable[[Step, Step], bool]] = {
    (_SEND, _SEND): _send_send,
    (_SEND, _RECEIVE): _send_receive,
    (_FINISH, _RECEIVE): _send_receive,
    (_RECEIVE, _RECEIVE): _receive_receive,
    (_WAIT, _SEND): _wait_send,
    (_WAIT, _RECEIVE): _wait_receive,
    **{(kind, _CLOSE): _change_close for kind in (_SEND, _FINISH, _RECEIVE, _WAIT)},
}
"""Pairs that are missing commute: two closes, two waits, a finish and anything but receiving and closing."""
