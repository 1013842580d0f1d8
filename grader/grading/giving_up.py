"""Who has given up waiting: tried something one or more times in vain, and then done without. Start at `give_ups`.

Giving up is right only if the result is still right then: another process can be kept from running for any time.
"""

from collections.abc import Iterator

import msgspec

from grader.core.operations import Operation, OperationKind, Step, TaskId, task_of
from grader.grading.names import Names
from grader.grading.observed import Observed

_KIND = OperationKind
WAITS = frozenset(
    {
        *(_KIND.LOCK_ACQUIRE, _KIND.EVENT_WAIT, _KIND.CONDITION_RESUME),
        *(_KIND.QUEUE_PUT, _KIND.QUEUE_GET, _KIND.MANAGED_QUEUE_PUT, _KIND.MANAGED_QUEUE_GET),
        *(_KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT, _KIND.THREAD_JOIN, _KIND.PIPE_WAIT),
        *(_KIND.POOL_RESULT, _KIND.POOL_NEXT),
    }
)
"""What can be done with a time limit, or without waiting, and then may fail."""


_JOINS = (_KIND.PROCESS_JOIN, _KIND.THREAD_JOIN)
_AT_ONCE = (_KIND.CONDITION_LEAVE,)
"""What belongs to a try in vain, and comes before its time is counted."""


class GiveUp(msgspec.Struct, frozen=True):
    """A task that has tried the same again and again, and then has not tried any more.

    `operation` is its last try, `tries` are the numbers of all of them in the trace. `milliseconds` is how long that
    took by the task's own clock: 0 if nothing in it takes any time. `lines` are the lines of the tries, in order.
    """

    task: TaskId
    operation: Operation
    tries: tuple[int, ...]
    milliseconds: int
    lines: tuple[int, ...]

    @property
    def line(self) -> int:
        """The line of the last try, 0 if it is unknown."""
        return self.operation.line


class _Run:
    """Tries in vain of one task at one object since the last time that one was not in vain."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.numbers: list[int] = []


def give_ups(seen: Observed) -> tuple[GiveUp, ...]:
    """Everybody who has given up waiting for something and has not got it later, by the last tries."""
    runs: dict[object, _Run] = {}
    for number, step in enumerate(seen.execution.trace):
        if not _is_try(step.operation) or step.result is None or step.result.error is not None:
            continue
        key = _key(step.task, step.operation)
        if step.result.ok:
            runs.pop(key, None)
        else:
            run = runs.setdefault(key, _Run())
            run.steps.append(step)
            run.numbers.append(number)
    for task, operation in seen.execution.pending.items():
        if _is_try(operation):
            runs.pop(_key(task, operation), None)  # has not given up yet
    found = [_give_up(seen, run) for run in runs.values()]
    return tuple(sorted(found, key=lambda one: one.tries[-1]))


def _is_try(operation: Operation) -> bool:
    """Whether a task waits of its own accord: Python itself joins children when a process ends (without a line)."""
    return operation.kind in WAITS and (operation.kind not in _JOINS or operation.line > 0)


def _key(task: TaskId, operation: Operation) -> object:
    """What has to be the same in all tries: an item that cannot be put is given up even if another is put later."""
    return task, operation.kind, operation.object, operation.targets, operation.data


def _give_up(seen: Observed, run: _Run) -> GiveUp:
    last = run.steps[-1]
    lines = dict.fromkeys(step.operation.line for step in run.steps if step.operation.line)
    return GiveUp(
        last.task,
        last.operation,
        tuple(run.numbers),
        _duration(seen, last.task, run.numbers[0], run.numbers[-1]),
        tuple(lines),
    )


def _duration(seen: Observed, task: TaskId, first: int, last: int) -> int:
    """Milliseconds by a task's own clock from its first try until it was about to do something after its last."""
    execution = seen.execution
    if last >= len(execution.clocks):
        return 0
    later = (
        execution.clocks[number]
        for number in range(last + 1, len(execution.trace))
        if execution.trace[number].task == task and execution.trace[number].operation.kind not in _AT_ONCE
    )
    end = next(later, execution.last_clocks.get(task, 0))
    return max(0, end - execution.clocks[first])


def after(seen: Observed, given_up: GiveUp) -> Iterator[Step]:
    """What the task has done after its last try."""
    for step in seen.execution.trace[given_up.tries[-1] + 1 :]:
        if step.task == given_up.task:
            yield step


def duration_words(milliseconds: int) -> str:
    """A time as people say it: `0.3 s`, `50 s`, `15 minutes`, `1.5 hours`."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1g} s" if seconds < 1 else f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    for unit, size, most in (("minute", 60, 60), ("hour", 3600, 48), ("day", 86_400, 100_000)):
        number = round(seconds / size, 1 if size == 3600 else 0)
        if number < most:
            return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return "hundreds of years"


def what(seen: Observed, names: Names, given_up: GiveUp) -> str:
    """What somebody was waiting for, behind `waiting for`."""
    operation = given_up.operation
    kind, name = operation.kind, names.of(operation.object)
    if kind in (_KIND.PROCESS_JOIN, _KIND.THREAD_JOIN):
        return f"{seen.label(task_of(operation.object))} to end"
    if kind is _KIND.PROCESS_WAIT:
        return "a process to end"
    if kind in (_KIND.QUEUE_GET, _KIND.MANAGED_QUEUE_GET):
        return f"an item on {name}"
    if kind in (_KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT):
        return f"room on {name}"
    if kind is _KIND.PIPE_WAIT:
        return "a message"
    if kind in (_KIND.POOL_RESULT, _KIND.POOL_NEXT):
        return f"a result of {name}"
    return name
