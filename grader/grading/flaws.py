"""What can be wrong with one execution, whatever the exercise: somebody waits for ever, died, or never came back.

Start at `general_flaws`. What is wrong with a *completed* execution is for the check to say, with flaws of its own.
"""

import enum
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from grader.core.execution import OutcomeKind
from grader.core.operations import (
    JUDGE,
    Failure,
    Operation,
    OperationKind,
    TaskId,
    task_of,
)
from grader.core.verdict import FindingKind
from grader.engine.steps import is_enabled
from grader.grading import cycles, forbidden, pools, silence
from grader.grading.cycles import Cycle
from grader.grading.exceptions import first_paragraph, sentence, told
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.pipe_clashes import find_clash
from grader.grading.pipe_words import AT_ONE_END, clash_message, waits_at_pipe
from grader.grading.states import held_by
from grader.primitives.memory import MemoryState
from grader.primitives.queue import QueueState
from grader.primitives.thread import ThreadState

_KIND = OperationKind
_JOINS = (_KIND.PROCESS_JOIN, _KIND.THREAD_JOIN)
_MOST_WAITING = 4
_PLACE = re.compile(r'  File "[^"/]+", line (?P<line>\d{1,7}), in ')
"""A frame of the submission: its file has no folder in its name."""


class Wrong(enum.Enum):
    """Marks a flaw that is a `race` or a `wrong-result`; which of them, only all executions together can tell."""

    VALUE = "value"


class Flaw(msgspec.Struct, frozen=True):
    """One thing that is wrong with one execution.

    `kind` tells flaws apart: of each kind one execution is kept as the witness. `conflict` are numbers of steps to
    be marked, `line` is where to look.
    """

    kind: FindingKind | Wrong
    message: str
    expected: str = ""
    got: str = ""
    line: int = 0
    failure: Failure | None = None
    conflict: tuple[int, ...] = ()


def general_flaws(seen: Observed, names: Names) -> list[Flaw]:
    """The flaws that need no knowledge of the exercise; the root cause first."""
    flaws = _clashes(seen, names) + _deaths(seen)
    outcome = seen.execution.outcome
    if outcome.kind is OutcomeKind.DEADLOCK:
        flaws.append(_deadlock(seen, names))
    elif (cycle := cycles.cycle_of(seen.execution)) is not None and not outcome.chance:
        flaws.append(_livelock(seen, names, cycle))
    elif outcome.kind is OutcomeKind.HUNG:
        message = silence.hang(seen.label(outcome.task), outcome)
        flaws.append(Flaw(FindingKind.HANG, message, line=outcome.line))
    elif outcome.kind is OutcomeKind.UNCONTROLLED and forbidden.is_forbidden(outcome.detail):
        message = forbidden.message(seen.label(outcome.task), outcome.detail)
        flaws.append(Flaw(FindingKind.FORBIDDEN, message, line=outcome.line))
    elif outcome.kind is OutcomeKind.CRASHED:
        message = f"{seen.label(outcome.task)} died: {outcome.detail}."
        flaws.append(Flaw(FindingKind.CRASH, message, line=outcome.line, failure=outcome.failure))
    return flaws


def _clashes(seen: Observed, names: Names) -> list[Flaw]:
    """Processes that were in a call at the same time which takes each other's messages apart."""
    clash = find_clash(seen.execution)
    if clash is not None:
        step = seen.execution.trace[clash.numbers[0]]
        message = clash_message(names, seen.label, step, clash.task)
        return [Flaw(FindingKind.RACE, message, line=step.operation.line, conflict=clash.numbers)]
    return []


def _deaths(seen: Observed) -> list[Flaw]:
    """Processes that ended with an exception or an exit code, or whose function did not return."""
    flaws = _killed(seen)
    calls = seen.scenario.tasks() if seen.scenario.calls else []
    for task, state in seen.processes():
        if state.killed:
            continue
        if not state.alive and (state.exit_code != 0 or state.failure is not None):
            flaws.append(_death(seen.label(task), state.exit_code, state.failure))
        elif task in calls and state.returned is None and seen.completed:
            function = seen.scenario.calls[calls.index(task)].function
            message = f"{function} ended its process instead of returning."
            flaws.append(Flaw(FindingKind.CRASH, message))
    return flaws[:1] or _dead_threads(seen) or _dying(seen)


def _killed(seen: Observed) -> list[Flaw]:
    """A process that the submission did not start, and that it has killed: a call's, or a partner's."""
    for number, step in enumerate(seen.execution.trace):
        operation, killed = step.operation, step.result is not None and step.result.ok
        if operation.kind is _KIND.PROCESS_KILL and killed:
            victim = task_of(operation.object)
            if seen.process(victim).parent == JUDGE:
                message = f"{seen.label(step.task)} has killed {seen.label(victim)}, which it did not start."
                return [Flaw(FindingKind.CRASH, message, line=operation.line, conflict=(number,))]
    return []


def _dead_threads(seen: Observed) -> list[Flaw]:
    """A thread that ended with an exception, and nobody looked at that."""
    for target, state in seen.execution.objects.items():
        if isinstance(state, ThreadState) and state.failure is not None:
            return [_death(seen.label(task_of(target)), 1, state.failure)]
    return []


def _dying(seen: Observed) -> list[Flaw]:
    """Processes that have failed, and cannot end because they wait for others: first of all for their children."""
    for task, operation in sorted(seen.execution.pending.items()):
        failure = operation.failure
        if operation.kind in _JOINS and not operation.line:
            failure = _last_words(seen.execution.errors.get(task, ""))
        if failure is not None and operation.kind in (_KIND.PROCESS_EXIT, *_JOINS):
            return [_death(seen.label(task), 1, failure)]
    return []


def _last_words(text: str) -> Failure | None:
    """The exception at the end of what a process has printed, if there is one."""
    lines = text.rstrip().split("\n")
    places = [match for line in lines if (match := _PLACE.match(line))]
    if not places or lines[-1].startswith(" "):
        return None
    kind, _, message = lines[-1].partition(": ")
    return Failure(kind.rpartition(".")[2], message, int(places[-1]["line"]))


def _death(who: str, exit_code: int, failure: Failure | None) -> Flaw:
    if failure is None:
        return Flaw(FindingKind.CRASH, f"{who} ended with exit code {exit_code}.")
    if failure.type == "NotImplementedError":
        message = f"The function is not written yet: {first_paragraph(failure.message) or failure.type}."
        return Flaw(FindingKind.MISSING, message, line=failure.line, failure=failure)
    where = f" in line {failure.line}" if failure.line else ""
    message = sentence(f"{who} died{where} of {told(failure)}")
    return Flaw(FindingKind.CRASH, message, line=failure.line, failure=failure)


def _waiting(seen: Observed) -> list[tuple[TaskId, Operation]]:
    return [
        (task, operation)
        for task, operation in sorted(seen.execution.pending.items())
        if operation.kind not in (_KIND.QUEUE_FLUSH, _KIND.POOL_TAKE)  # an idle worker keeps nobody waiting
    ]


def _deadlock(seen: Observed, names: Names) -> Flaw:
    waiting = _waiting(seen)
    # Whoever only waits for another process's end is not the cause, so it is told last.
    waiting.sort(key=lambda entry: entry[1].kind in (*_JOINS, _KIND.PROCESS_WAIT))
    sentences = [
        f"{seen.label(task)} {waits_for(seen, names, task, op)}" for task, op in waiting[:_MOST_WAITING]
    ]
    more = f" (and {len(waiting) - _MOST_WAITING} more)" if len(waiting) > _MOST_WAITING else ""
    message = "Nobody can go on: " + "; ".join(sentences) + more + "."
    line = waiting[0][1].line if waiting else 0
    return Flaw(FindingKind.DEADLOCK, message, line=line)


def _livelock(seen: Observed, names: Names, cycle: Cycle) -> Flaw:
    told = cycles.told(seen, names, cycle)
    going = {step.task for step in cycle.steps}
    waiting = [
        f"{seen.label(task)} {waits_for(seen, names, task, operation)}"
        for task, operation in _waiting(seen)
        if task not in going and operation.kind not in (*_JOINS, _KIND.PROCESS_WAIT)
    ]
    meanwhile = f" Meanwhile {'; '.join(waiting[:_MOST_WAITING])}." if waiting else ""
    return Flaw(FindingKind.HANG, told.message + meanwhile, line=told.line)


def waits_for(seen: Observed, names: Names, task: TaskId, operation: Operation) -> str:
    """What a process waits for that did not come to its end, and who stands in its way: a half sentence."""
    kind, target = operation.kind, operation.object
    where = f" (line {operation.line})" if operation.line else ""
    if is_enabled(seen.execution.objects, task, operation):
        return f"could go on{where}"
    if kind in _JOINS:
        where = where or f" ({at_the_end(seen.label(task))})"
        return f"waits for {seen.label(task_of(target))} to end{where}"
    if kind is _KIND.PROCESS_WAIT:
        return f"waits for one of {len(operation.targets)} processes to end{where}"
    if kind is _KIND.PROCESS_EXIT:
        return f"cannot end: {_undelivered(seen, names, task)}"
    if kind in (*AT_ONE_END, _KIND.PIPE_WAIT):
        return waits_at_pipe(seen, names, task, operation)
    name = names.of(target)
    if kind is _KIND.LOCK_ACQUIRE:
        if names.is_wakeup(target):
            return f"waits for {name}{where}, and nobody wakes it up"
        return f"waits for {name}{where}, {held_by(seen, task, target)}"
    if kind is _KIND.CONDITION_RESUME:
        return f"waits for {name}{where}, which nobody notifies"
    if kind in (_KIND.QUEUE_GET, _KIND.MANAGED_QUEUE_GET):
        return f"waits for an item on {name}{where}, which is empty"
    if kind in (_KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT):
        return f"waits for room on {name}{where}, which is full"
    if kind in (_KIND.POOL_RESULT, _KIND.POOL_NEXT):
        return f"waits for a result of {name}{where}{pools.waits(seen, names, target, operation.number)}"
    if kind is _KIND.POOL_TAKE:
        return f"waits for work from {name}"
    if kind in (_KIND.MEMORY_READ, _KIND.MEMORY_WRITE):
        memory = seen.execution.objects.get(target)
        guard = memory.lock if isinstance(memory, MemoryState) else target
        return f"waits to use {name}{where}, {held_by(seen, task, guard, 'whose lock')}"
    return f"waits for {name}{where}"


def at_the_end(label: str) -> str:
    """When Python joins the children of a process that it did not join itself: a join without a line is that."""
    return f"at the end of {'the program' if label == 'main' else label}"


def _undelivered(seen: Observed, names: Names, task: TaskId) -> str:
    for target, state in seen.execution.objects.items():
        if isinstance(state, QueueState) and not state.delivered(task):
            return f"what it has put on {names.of(target)} does not fit into the pipe and nobody takes it out"
    return "its queue is not empty"


Verdict: TypeAlias = Callable[[Observed], Sequence[Flaw]]
"""Says what is wrong with a completed execution: nothing, or flaws, the root cause first."""


def asked(verdict: Verdict, seen: Observed) -> list[Flaw]:
    """What a check says of an execution. A plain `assert` in a check counts as a wrong result."""
    try:
        return list(verdict(seen))
    except AssertionError as error:
        return [Flaw(Wrong.VALUE, str(error).split("\n", 1)[0] or "This is not as it should be.")]
