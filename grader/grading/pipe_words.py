"""What is said of pipes: what they hold, who waits at which end, and messages that two processes mixed up.

Start at `waits_at_pipe`. An end is called as the variable that the submission assigned it to (`a, b = Pipe()`).
"""

from collections.abc import Callable, Iterable

from grader.core.operations import (
    ErrorCode,
    Operation,
    OperationKind,
    Step,
    TaskId,
    end_of,
    task_of,
)
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.values import OPAQUE, brief, unpickle
from grader.primitives.pipe_state import PipeState, Sent

_KIND = OperationKind
_MOST_ITEMS = 6
_MOST_TARGETS = 3
_ENDS = ("first", "second")
AT_ONE_END = frozenset({_KIND.PIPE_SEND, _KIND.PIPE_FINISH, _KIND.PIPE_RECEIVE, _KIND.PIPE_CLOSE})
ERRORS = {
    ErrorCode.END_OF_FILE: "end of file: the other end is closed",
    ErrorCode.BROKEN_PIPE: "broken pipe: the other end is closed",
    ErrorCode.CONNECTION_RESET: "connection reset: the other end was closed with messages unread",
    ErrorCode.CUT_OFF: "the sender died in the middle of the message",
    ErrorCode.TOO_LONG: "longer than allowed",
    ErrorCode.MIXED_UP: "the rest of a broken message",
    ErrorCode.BAD_HANDLE: "closed already",
}


def message_text(data: bytes) -> str:
    """A message in short: the object that was pickled, or the bytes."""
    value = unpickle(data)
    pickled = value is not OPAQUE or data[:1] == b"\x80"
    return brief(value if pickled else data)


def end_name(names: Names, operation: Operation) -> str:
    """How the end is called at which an operation is, "" if it is about several."""
    if operation.kind in AT_ONE_END:
        return names.end(operation.object, operation.number)
    if operation.kind is _KIND.PIPE_WAIT and len(operation.targets) == 1:
        return names.end(*end_of(operation.targets[0]))
    return ""


def say_pipe(state: PipeState) -> str:
    """What is on its way in a pipe, and which end nobody has open any more."""
    if not state.two_way:
        parts = [_messages(state.lanes[0].messages) or "empty"]
        gone = ["nobody can receive", "nobody can send"]
    else:
        lanes = [(place, _messages(lane.messages)) for place, lane in zip(_ENDS, state.lanes)]
        parts = [f"for the {place} end: {text}" for place, text in lanes if text] or ["empty"]
        gone = [f"{place} end closed" for place in _ENDS]
    return " · ".join([*parts, *(text for end, text in enumerate(gone) if not state.is_open(end))])


def _messages(messages: tuple[Sent, ...]) -> str:
    shown = ", ".join(message_text(message.data) for message in messages[:_MOST_ITEMS])
    if len(messages) > _MOST_ITEMS:
        return f"[{shown}, …] ({len(messages)} messages)"
    return f"[{shown}]" if messages else ""


def waits_at_pipe(seen: Observed, names: Names, task: TaskId, operation: Operation) -> str:
    """What a process waits for at one end, or at several: a half sentence."""
    where = f" (line {operation.line})" if operation.line else ""
    if operation.kind is _KIND.PIPE_WAIT and len(operation.targets) != 1:
        shown = [_target(seen, names, target) for target in operation.targets[:_MOST_TARGETS]]
        more = len(operation.targets) - len(shown)
        return f"waits for {' or '.join(shown)}{f' or {more} more' if more else ''}{where}"
    pipe, end = operation.object, operation.number
    if operation.kind is _KIND.PIPE_WAIT:
        pipe, end = end_of(operation.targets[0])
    here, there = names.end(pipe, end), names.end(pipe, 1 - end)
    state = seen.execution.objects.get(pipe)
    holders = sorted(holder.task for holder in state.holders[1 - end]) if isinstance(state, PipeState) else []
    still = f"{there} is still open in {_who(seen, task, holders)}"
    if operation.kind in (_KIND.PIPE_RECEIVE, _KIND.PIPE_WAIT):
        return f"waits for a message on {here}{where}: none is there, and {still}"
    if operation.kind is _KIND.PIPE_SEND:
        return f"waits for room to send on {here}{where}: the pipe is full; {still}, and nobody receives"
    return (
        f"waits until its long message on {here} is received{where}: it does not fit into the pipe; {still}"
    )


def _target(seen: Observed, names: Names, target: int) -> str:
    return (
        f"{seen.label(task_of(target))} to end"
        if target < 0
        else f"a message on {names.end(*end_of(target))}"
    )


def _who(seen: Observed, task: TaskId, holders: Iterable[TaskId]) -> str:
    labels = [seen.label(holder) for holder in holders if holder != task]
    itself = [f"{seen.label(task)} itself"] if task in holders else []
    *first, last = [*labels, *itself] or ["nobody"]
    return f"{', '.join(first)} and {last}" if first else last


def clash_message(names: Names, label: Callable[[TaskId], str], step: Step, other: TaskId) -> str:
    """What is wrong with a step that was made while another process was in the same call."""
    end = names.end(step.operation.object, step.operation.number)
    both = f"{label(min(step.task, other))} and {label(max(step.task, other))}"
    if step.operation.kind is _KIND.PIPE_RECEIVE:
        return (
            f"{both} receive from {end} at the same time: a message is read in two parts, its length and the rest, "
            "so each may get a part of the other's."
        )
    return (
        f"{both} send on {end} at the same time: a long message is written in parts, which may get mixed up."
    )
