"""What is said of a fair execution that goes round in a cycle for ever: who, where, and why nothing changes.

Start at `cycle_of` and `told`. Only the steps of the cycle count, wherever it is taken to begin: whoever makes none of
them waits, and changes nothing.
"""

from collections.abc import Sequence

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import ObjectId, Operation, OperationKind, Step, TaskId, end_of, task_of
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.states import held_by, say

_KIND = OperationKind
_NO_LOOKS = (_KIND.SLEEP, _KIND.LOCK_RELEASE, _KIND.MEMORY_WRITE, _KIND.CONDITION_LEAVE)
_ENDS = (
    *(_KIND.PROCESS_POLL, _KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT, _KIND.PROCESS_CHILDREN),
    *(_KIND.THREAD_POLL, _KIND.THREAD_JOIN),
)
"""Looks at whether others have ended."""
_GETS = (_KIND.QUEUE_GET, _KIND.MANAGED_QUEUE_GET)
_PUTS = (_KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT)
_MOST_NAMES = 3
_NOTHING_CHANGES = "In this order nothing ever changes."


class Cycle(msgspec.Struct, frozen=True):
    """The steps that come again and again, and whose they are.

    `tasks` leaves out who only looks whether others have ended, if anybody does something else.
    """

    steps: tuple[Step, ...]
    tasks: tuple[TaskId, ...]

    def of(self, task: TaskId) -> tuple[Step, ...]:
        """The steps of one task."""
        return tuple(step for step in self.steps if step.task == task)


class Told(msgspec.Struct, frozen=True):
    """A sentence or two about a cycle, and a line of it (0: unknown)."""

    message: str
    line: int


def cycle_of(execution: Execution) -> Cycle | None:
    """The cycle at the end of an execution that has one."""
    length = execution.outcome.cycle
    if execution.outcome.kind is not OutcomeKind.LIVELOCK or not 0 < length <= len(execution.trace):
        return None
    steps = execution.trace[-length:]
    going = sorted({step.task for step in steps})
    causes = [task for task in going if any(_is_cause(step) for step in steps if step.task == task)]
    return Cycle(steps, tuple(causes or going))


def bounds_of(execution: Execution) -> tuple[int, int]:
    """Where the cycle begins for the first time, and how many steps there are up to its first end.

    What comes before it and is the same already belongs to it. Without a cycle both are the length of the trace.
    """
    trace, length = execution.trace, execution.outcome.cycle
    if cycle_of(execution) is None:
        return len(trace), len(trace)
    begin = len(trace) - length
    while begin > 0 and _same(trace[begin - 1], trace[begin - 1 + length]):
        begin -= 1
    return begin, begin + length


def told(seen: Observed, names: Names, cycle: Cycle) -> Told:
    """What happens in a cycle, in words."""
    line = next((step.operation.line for step in cycle.steps if _is_cause(step) and step.operation.line), 0)
    line = line or next((step.operation.line for step in cycle.steps if step.operation.line), 0)
    if len(cycle.tasks) == 1:
        (task,) = cycle.tasks
        look = _looking(seen, names, task, cycle.of(task))
        where = lines([step for step in cycle.of(task) if _is_cause(step)] or cycle.of(task))
        again = f"{look.does} again and again{where}{look.rest}"
        return Told(f"{seen.label(task)} {again}{look.why}.", line)
    who = _listed([seen.label(task) for task in cycle.tasks])
    where = lines([step for task in cycle.tasks for step in cycle.of(task)])
    round_and_round = f"{who} go round and round{where}"
    other = "the other one" if len(cycle.tasks) == 2 else "another one"
    if gives_locks_back(cycle):
        what = f"each takes one lock, finds {other} taken and gives back"
        return Told(f"{round_and_round}: {what}. {_NOTHING_CHANGES}", line)
    if steps_back(cycle):
        what = f"each looks at what {other} has written, and writes something else itself"
        return Told(f"{round_and_round}: {what}. {_NOTHING_CHANGES}", line)
    looks = [(task, _looking(seen, names, task, cycle.of(task))) for task in cycle.tasks[:_MOST_NAMES]]
    what = _listed([f"{seen.label(task)} {look.does}{look.rest}" for task, look in looks])
    return Told(f"{round_and_round}: {what}. {_NOTHING_CHANGES}", line)


def gives_locks_back(cycle: Cycle) -> bool:
    """Whether each has a lock, does not get one that another of them has, and gives its own back."""
    taken = {task: locks_taken(cycle, task) for task in cycle.tasks}
    for task in cycle.tasks:
        given = {
            step.operation.object for step in cycle.of(task) if step.operation.kind is _KIND.LOCK_RELEASE
        }
        failed = {step.operation.object for step in cycle.of(task) if _failed(step, _KIND.LOCK_ACQUIRE)}
        others = {lock for other in cycle.tasks if other != task for lock in taken[other]}
        if not failed or not failed <= others or not taken[task] & given:
            return False
    return True


def steps_back(cycle: Cycle) -> bool:
    """Whether each writes to shared memory what another of them looks at."""
    written = {task: _objects(cycle, task, _KIND.MEMORY_WRITE) for task in cycle.tasks}
    for task in cycle.tasks:
        others = {target for other in cycle.tasks if other != task for target in written[other]}
        if not written[task] or not _objects(cycle, task, _KIND.MEMORY_READ) & others:
            return False
    return True


def locks_taken(cycle: Cycle, task: TaskId) -> frozenset[ObjectId]:
    """The locks that a task gets in each round."""
    return frozenset(
        step.operation.object
        for step in cycle.of(task)
        if step.operation.kind is _KIND.LOCK_ACQUIRE and step.result is not None and step.result.ok
    )


def lines(steps: Sequence[Step]) -> str:
    """` in line 7`, ` in lines 9–12`; empty if no line is known."""  # noqa: RUF002 (a range)
    numbers = sorted({step.operation.line for step in steps if step.operation.line})
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f" in line {numbers[0]}"
    return f" in lines {numbers[0]}–{numbers[-1]}"  # noqa: RUF001 (a range)


class _Look(msgspec.Struct, frozen=True):
    """What somebody does again and again, the rest of that, and why it does not help: parts of a sentence."""

    does: str
    rest: str = ""
    why: str = ""


def _looking(seen: Observed, names: Names, task: TaskId, steps: Sequence[Step]) -> _Look:
    causes = (
        [step for step in steps if _is_cause(step)] or [step for step in steps if _is_look(step)] or steps
    )
    operation = causes[-1].operation
    target, name = operation.object, names.of(operation.object)
    if operation.kind in _ENDS:
        return _Look("asks", f" whether {_processes(seen, causes)} has ended")
    if operation.kind is _KIND.LOCK_ACQUIRE and _failed(causes[-1], _KIND.LOCK_ACQUIRE):
        return _Look(f"tries to take {name}", "", f", {held_by(seen, task, target)}")
    if operation.kind in _GETS:
        return _Look(
            f"tries to get an item from {name}", "", "; it is empty, and nobody is left to put one on it"
        )
    if operation.kind in _PUTS:
        return _Look(f"tries to put something on {name}", "", "; it is full, and nobody is left to make room")
    if operation.kind is _KIND.PIPE_WAIT:
        return _Look(f"looks for a message on {_ends(names, operation)}", "", "; nobody is left to send one")
    shown = _polled(seen, names, causes)
    if not shown:
        return _Look("does the same", "", ", and nothing changes")
    return _Look(f"looks at {shown}", "", "; nobody is left to change it")


def _polled(seen: Observed, names: Names, looks: Sequence[Step]) -> str:
    """What is looked at, and what is seen there."""
    told = []
    for target in dict.fromkeys(step.operation.object for step in looks if step.operation.object in names):
        state = say(seen.execution.objects[target], seen.label)
        told.append(f"{names.of(target)} (which is {state})" if state else names.of(target))
    return _listed(told[:_MOST_NAMES])


def _processes(seen: Observed, looks: Sequence[Step]) -> str:
    targets = [target for step in looks for target in (step.operation.targets or (step.operation.object,))]
    labels = [seen.label(task_of(target)) for target in dict.fromkeys(targets) if target < 0]
    return " or ".join(labels[:_MOST_NAMES]) or "somebody"


def _ends(names: Names, operation: Operation) -> str:
    ends = [names.end(*end_of(target)) for target in operation.targets if target >= 0]
    return " or ".join(ends[:_MOST_NAMES]) or names.of(operation.object)


def _objects(cycle: Cycle, task: TaskId, kind: OperationKind) -> set[ObjectId]:
    return {step.operation.object for step in cycle.of(task) if step.operation.kind is kind}


def _same(one: Step, other: Step) -> bool:
    return (one.task, one.operation, one.result) == (other.task, other.operation, other.result)


def _failed(step: Step, kind: OperationKind) -> bool:
    return step.operation.kind is kind and step.result is not None and not step.result.ok


def _is_look(step: Step) -> bool:
    return not step.changed and step.operation.kind not in _NO_LOOKS


def _is_cause(step: Step) -> bool:
    """Whether a step looks at something that a process could change without ending."""
    return _is_look(step) and step.operation.kind not in _ENDS


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts or [""]
    return f"{', '.join(first)} and {last}" if first else last
