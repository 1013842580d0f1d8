"""Turns an execution into the steps that a reader is shown. Start at `witness`.

Steps that explain nothing are left out: sleeping, the end of a process that went well, and the inner life of queues
unless somebody looked at a queue without waiting. What they change is told with the step before them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from grader.core.execution import Execution
from grader.core.operations import (
    NO_OBJECT,
    SHARED_NAMES,
    ErrorCode,
    Operation,
    OperationKind,
    Step,
    TaskId,
    process_object,
)
from grader.core.verdict import WitnessStep
from grader.grading import calls, pools
from grader.grading.cycles import bounds_of, cycle_of
from grader.grading.flaws import Flaw, Wrong, at_the_end, waits_for
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.pipe_words import ERRORS, end_name, message_text
from grader.grading.states import Pairs, history
from grader.grading.values import brief, decode_items, unpickle
from grader.primitives.memory import MemoryState
from grader.primitives.process import ProcessState
from grader.primitives.thread import ThreadState

_KIND = OperationKind
_MOST_STEPS = 2_000
_SOURCE_LIMIT = 120
_NAME_LIMIT = 20

_VERBS = {
    _KIND.MEMORY_READ: "read",
    _KIND.MEMORY_WRITE: "write",
    _KIND.LOCK_ACQUIRE: "acquire",
    _KIND.LOCK_RELEASE: "release",
    _KIND.LOCK_VALUE: "look at",
    _KIND.EVENT_SET: "set",
    _KIND.EVENT_CLEAR: "clear",
    _KIND.EVENT_IS_SET: "is set?",
    _KIND.EVENT_WAIT: "wait for",
    _KIND.CONDITION_WAIT: "wait on",
    _KIND.CONDITION_RESUME: "go on after",
    _KIND.CONDITION_NOTIFY: "notify",
    _KIND.CONDITION_SLEEPERS: "look at",
    _KIND.QUEUE_PUT: "put",
    _KIND.QUEUE_FLUSH: "arrives on",
    _KIND.QUEUE_GET: "get",
    _KIND.QUEUE_EMPTY: "empty?",
    _KIND.QUEUE_FULL: "full?",
    _KIND.QUEUE_SIZE: "qsize?",
    _KIND.QUEUE_JOIN_THREAD: "join_thread",
    _KIND.QUEUE_TASK_DONE: "task_done",
    _KIND.QUEUE_JOIN: "join",
    _KIND.PIPE_SEND: "send",
    _KIND.PIPE_FINISH: "has sent",
    _KIND.PIPE_RECEIVE: "recv",
    _KIND.PIPE_WAIT: "poll",
    _KIND.PIPE_CLOSE: "close",
    _KIND.POOL_SUBMIT: "submit",
    _KIND.POOL_TAKE: "take",
    _KIND.POOL_DONE: "done",
    _KIND.POOL_RESULT: "result",
    _KIND.POOL_NEXT: "next result",
    _KIND.POOL_CANCEL: "cancel",
    _KIND.POOL_CLOSE: "close",
    _KIND.PROCESS_START: "start",
    _KIND.PROCESS_EXIT: "exit",
    _KIND.PROCESS_JOIN: "join",
    _KIND.PROCESS_POLL: "alive?",
    _KIND.PROCESS_WAIT: "wait",
    _KIND.PROCESS_KILL: "kill",
    _KIND.PROCESS_CHILDREN: "active_children",
    _KIND.PROCESS_RETURN: "return",
    _KIND.SHM_CREATE: "create",
    _KIND.SHM_ATTACH: "attach to",
    _KIND.SHM_UNLINK: "unlink",
    _KIND.THREAD_START: "start",
    _KIND.THREAD_JOIN: "join",
    _KIND.THREAD_POLL: "alive?",
    _KIND.MANAGER_SHUTDOWN: "shut down",
    _KIND.REFERENT_READ: "call",
    _KIND.REFERENT_CHANGE: "call",
    _KIND.MANAGED_QUEUE_PUT: "put",
    _KIND.MANAGED_QUEUE_GET: "get",
    _KIND.MANAGED_QUEUE_EMPTY: "empty?",
    _KIND.MANAGED_QUEUE_FULL: "full?",
    _KIND.MANAGED_QUEUE_SIZE: "qsize?",
    _KIND.MANAGED_QUEUE_TASK_DONE: "task_done",
    _KIND.MANAGED_QUEUE_JOIN: "join",
}
_OF_THREADS = {_KIND.THREAD_BEGIN: "begin", _KIND.THREAD_EXIT: "end", _KIND.SLEEP: "sleep"}
"""What a thread does where others may come between what it does to plain variables."""
_OF_ITSELF = (_KIND.PROCESS_EXIT, _KIND.PROCESS_RETURN, _KIND.THREAD_BEGIN, _KIND.THREAD_EXIT)
_HIDDEN = frozenset({_KIND.SLEEP, _KIND.READY, _KIND.QUEUE_CANCEL_JOIN, _KIND.MANAGER_CREATE})
_LOOKS = frozenset({_KIND.QUEUE_EMPTY, _KIND.QUEUE_SIZE, _KIND.QUEUE_FULL})
_YES_NO = frozenset(
    {
        *(_KIND.EVENT_IS_SET, _KIND.QUEUE_EMPTY, _KIND.QUEUE_FULL),
        *(_KIND.MANAGED_QUEUE_EMPTY, _KIND.MANAGED_QUEUE_FULL),
    }
)


class _Teller:
    def __init__(self, seen: Observed, names: Names, source: tuple[str, ...]) -> None:
        self._seen = seen
        self._names = names
        self._source = source
        self._flushes = _somebody_looked(seen.execution)

    def step(self, number: int, step: Step, flaw: Flaw) -> WitnessStep | None:
        kind = step.operation.kind
        if flaw.kind is Wrong.VALUE and self._is_thread(step.task) and kind in _OF_THREADS:
            return self._shown(number, step, flaw)
        if (
            kind in _HIDDEN
            or kind not in (*_VERBS, _KIND.THREAD_EXIT)
            or (kind is _KIND.QUEUE_FLUSH and not self._flushes)
        ):
            return None
        if pools.is_housekeeping(self._seen.execution, step) or _told_to_end(step):
            return None
        if kind is _KIND.THREAD_EXIT and step.operation.failure is None:
            return None
        if kind is _KIND.PROCESS_EXIT and not step.operation.number and number not in flaw.conflict:
            return None
        if kind is _KIND.PIPE_CLOSE and not step.operation.line:
            return None  # a function has come to its end, and with it the last reference
        return self._shown(number, step, flaw)

    def _is_thread(self, task: TaskId) -> bool:
        return isinstance(self._seen.execution.objects.get(process_object(task)), ThreadState)

    def _shown(self, number: int, step: Step, flaw: Flaw) -> WitnessStep:
        kind = step.operation.kind
        verb, name, value = _verb(step), self._object(step), self._value(step)
        if kind in calls.KINDS:
            verb, part, value = calls.words(self._seen.execution.objects.get(step.operation.object), step)
            name += part
        return WitnessStep(
            task=self._seen.label(step.task),
            operation=verb,
            object=name,
            line=step.operation.line,
            value=value,
            note=self._note(step),
            conflict=number in flaw.conflict,
            source=self._line(step.operation.line),
        )

    def waiting(self, task: TaskId, operation: Operation) -> WitnessStep:
        return WitnessStep(
            task=self._seen.label(task),
            operation=_VERBS.get(operation.kind, operation.kind.value),
            object=end_name(self._names, operation) or self._plain_name(operation),
            line=operation.line,
            note=waits_for(self._seen, self._names, task, operation),
            executed=False,
            source=self._line(operation.line),
        )

    def _plain_name(self, operation: Operation) -> str:
        return self._names.of(operation.object) if operation.object != NO_OBJECT else ""

    def _line(self, line: int) -> str:
        return self._source[line - 1].strip()[:_SOURCE_LIMIT] if 0 < line <= len(self._source) else ""

    def _object(self, step: Step) -> str:
        operation = step.operation
        if operation.kind in _OF_ITSELF or operation.object == NO_OBJECT:
            return ""
        if operation.object == SHARED_NAMES:
            return f"shared memory {operation.text[:_NAME_LIMIT].lstrip('/')!r}"
        name = end_name(self._names, operation) or self._names.of(operation.object)
        state = self._seen.execution.objects.get(operation.object)
        if isinstance(state, MemoryState) and state.length > 0 and state.data:
            size = max(1, len(state.data) // state.length)
            return f"{name}[{operation.offset // size}]"
        return name

    def _value(self, step: Step) -> str:
        operation, result = step.operation, step.result
        if result is None or result.error is not None:
            return ""
        teller = _VALUES.get(operation.kind)
        if teller is not None:
            return teller(self._seen.execution, step)
        return ""

    def _note(self, step: Step) -> str:
        result = step.result
        if result is None:
            return ""
        if result.error is ErrorCode.MANAGER_GONE:
            return "the manager is gone"
        if result.error is not None:
            return ERRORS.get(result.error, "error")
        kind = step.operation.kind
        if not result.ok:
            return _GAVE_UP.get(kind, "")
        if kind in (_KIND.PROCESS_JOIN, _KIND.PROCESS_KILL, _KIND.THREAD_JOIN) and not step.operation.line:
            return at_the_end(self._seen.label(step.task))
        if kind is _KIND.PROCESS_RETURN and result.numbers:
            left = ", ".join(self._seen.label(task) for task in result.numbers)
            return f"still running: {left}"
        return ""


def _told_to_end(step: Step) -> bool:
    """Whether a worker of a pool asked for work, and there is no more."""
    return step.operation.kind is _KIND.POOL_TAKE and step.result is not None and not step.result.ok


def _verb(step: Step) -> str:
    if step.operation.kind in _OF_THREADS:
        return _OF_THREADS[step.operation.kind]
    if step.operation.kind is _KIND.POOL_CLOSE and not step.operation.block:
        return "terminate"
    return _VERBS[step.operation.kind]


_GAVE_UP = {
    _KIND.POOL_RESULT: "not there yet",
    _KIND.POOL_NEXT: "not there yet",
    _KIND.POOL_CANCEL: "too late",
    _KIND.LOCK_ACQUIRE: "not free, goes on without it",
    _KIND.EVENT_WAIT: "time is up",
    _KIND.CONDITION_RESUME: "time is up",
    _KIND.QUEUE_PUT: "full, gives up",
    _KIND.QUEUE_GET: "nothing there, gives up",
    _KIND.MANAGED_QUEUE_PUT: "full, gives up",
    _KIND.MANAGED_QUEUE_GET: "nothing there, gives up",
    _KIND.PROCESS_JOIN: "still running, time is up",
    _KIND.PROCESS_POLL: "still running",
    _KIND.PROCESS_WAIT: "time is up",
    _KIND.THREAD_JOIN: "still running, time is up",
    _KIND.THREAD_POLL: "still running",
}


def _memory(execution: Execution, step: Step) -> str:
    state = execution.objects.get(step.operation.object)
    data = step.operation.data
    if step.operation.kind is _KIND.MEMORY_READ and step.result is not None:
        data = step.result.data
    items = decode_items(state.typecode, data) if isinstance(state, MemoryState) else None
    if not items:
        return ""
    return brief(items[0] if len(items) == 1 else items)


def _item(execution: Execution, step: Step) -> str:
    if step.operation.kind in (_KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT):
        return brief(unpickle(step.operation.data))
    if step.result is None or not step.result.ok:
        return ""
    return brief(unpickle(step.result.data))


def _message(execution: Execution, step: Step) -> str:
    if step.operation.kind is _KIND.PIPE_SEND:
        return message_text(step.operation.data)
    return message_text(step.result.data) if step.result is not None and step.result.ok else ""


def _ready(execution: Execution, step: Step) -> str:
    if len(step.operation.targets) > 1:
        return f"{len(step.result.numbers) if step.result is not None else 0} ready"
    return "yes" if step.result is not None and step.result.ok else "no"


def _number(execution: Execution, step: Step) -> str:
    number = step.result.number if step.result is not None else 0
    if step.operation.kind in _YES_NO:
        return "yes" if number else "no"
    return str(number)


def _exit_code(execution: Execution, step: Step) -> str:
    failure = step.operation.failure
    return failure.type[:40] if failure is not None else str(step.operation.number)


def _failure_type(execution: Execution, step: Step) -> str:
    failure = step.operation.failure
    return failure.type[:40] if failure is not None else ""


def _returned(execution: Execution, step: Step) -> str:
    state = execution.objects.get(process_object(step.task))
    if isinstance(state, ProcessState) and state.returned:
        return brief(unpickle(state.returned))
    return ""


_VALUES: dict[OperationKind, Callable[[Execution, Step], str]] = {
    _KIND.MEMORY_READ: _memory,
    _KIND.MEMORY_WRITE: _memory,
    _KIND.QUEUE_PUT: _item,
    _KIND.QUEUE_GET: _item,
    _KIND.MANAGED_QUEUE_PUT: _item,
    _KIND.MANAGED_QUEUE_GET: _item,
    _KIND.MANAGED_QUEUE_EMPTY: _number,
    _KIND.MANAGED_QUEUE_FULL: _number,
    _KIND.MANAGED_QUEUE_SIZE: _number,
    _KIND.QUEUE_EMPTY: _number,
    _KIND.QUEUE_FULL: _number,
    _KIND.QUEUE_SIZE: _number,
    _KIND.PIPE_SEND: _message,
    _KIND.PIPE_RECEIVE: _message,
    _KIND.PIPE_WAIT: _ready,
    _KIND.EVENT_IS_SET: _number,
    _KIND.LOCK_VALUE: _number,
    _KIND.POOL_SUBMIT: pools.value,
    _KIND.POOL_TAKE: pools.value,
    _KIND.POOL_DONE: pools.value,
    _KIND.POOL_RESULT: pools.value,
    _KIND.POOL_NEXT: pools.value,
    _KIND.CONDITION_SLEEPERS: _number,
    _KIND.PROCESS_EXIT: _exit_code,
    _KIND.THREAD_EXIT: _failure_type,
    _KIND.PROCESS_RETURN: _returned,
}


def _somebody_looked(execution: Execution) -> bool:
    """Whether somebody asked a queue without waiting, so that it matters when items arrive."""
    return any(
        step.operation.kind in _LOOKS
        or (step.operation.kind is _KIND.QUEUE_GET and not step.operation.may_wait)
        for step in execution.trace
    )


class Witness(msgspec.Struct, frozen=True):
    """The steps for a reader, and what the shared objects held before the first of them."""

    steps: tuple[WitnessStep, ...]
    start: Pairs = ()


def witness(seen: Observed, names: Names, source: tuple[str, ...], flaw: Flaw) -> Witness:
    """The steps of an execution for a reader, and then what everybody was still waiting to do."""
    teller = _Teller(seen, names, source)
    past = history(seen, names, _MOST_STEPS)
    rows: list[WitnessStep] = []
    news: list[dict[str, str]] = [dict(past.start)]
    cycle, end = bounds_of(seen.execution)
    for number, step in enumerate(seen.execution.trace[: min(end, _MOST_STEPS)]):
        row = teller.step(number, step, flaw)
        if row is not None:
            rows.append(msgspec.structs.replace(row, repeats=True) if number >= cycle else row)
            news.append({})
        if past.changes:
            news[-1].update(past.changes[number])
    start, *later = news
    steps = (*_with_states(rows, start, later), *_waiting(teller, seen))
    return Witness(steps, tuple(start.items()))


def _with_states(
    rows: Sequence[WitnessStep], start: Mapping[str, str], news: Sequence[Mapping[str, str]]
) -> Iterator[WitnessStep]:
    """The rows, each with what changes before the next one; what changes and changes back is no change."""
    known = dict(start)
    for row, latest in zip(rows, news, strict=True):
        changed = tuple((name, text) for name, text in latest.items() if known.get(name) != text)
        known.update(changed)
        yield msgspec.structs.replace(row, state=changed) if changed else row


def _waiting(teller: _Teller, seen: Observed) -> Iterator[WitnessStep]:
    cycle = cycle_of(seen.execution)
    going = {step.task for step in cycle.steps} if cycle is not None else ()
    for task, operation in sorted(seen.execution.pending.items()):
        if operation.kind not in (_KIND.QUEUE_FLUSH, _KIND.POOL_TAKE) and task not in going:
            yield teller.waiting(task, operation)
