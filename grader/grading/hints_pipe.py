"""Guesses about pipes. Each rule answers with a sentence, or with nothing."""

from grader.core.operations import OperationKind, TaskId, end_of
from grader.grading.evidence import Facts
from grader.grading.pipe_clashes import find_clash
from grader.primitives.pipe_state import PipeState

_KIND = OperationKind
_JOINS = (_KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT, _KIND.PROCESS_EXIT)


def end_kept_open(facts: Facts) -> str:
    """A process waits at one end; who still has the other one open is itself, or waits for processes to end."""
    for task, operation in facts.waiting.items():
        if operation.kind is _KIND.PIPE_RECEIVE:
            pipe, end = operation.object, operation.number
        elif operation.kind is _KIND.PIPE_WAIT and len(operation.targets) == 1 and operation.targets[0] >= 0:
            pipe, end = end_of(operation.targets[0])
        else:
            continue
        holders = _holders(facts, pipe, 1 - end)
        if holders and all(holder == task or _joins(facts, holder) for holder in holders):
            who = " and in ".join(facts.label(holder) for holder in holders)
            there = facts.names.end(pipe, 1 - end)
            return (
                f"The end of file comes only when {there} is closed in every process that has it, and a process that "
                f"is started gets a copy of what is open. Close it in {who}, as soon as it is not needed there."
            )
    return ""


def join_before_receive(facts: Facts) -> str:
    """A process cannot finish sending, and those who could receive wait for processes to end."""
    for task, operation in facts.waiting.items():
        if operation.kind not in (_KIND.PIPE_SEND, _KIND.PIPE_FINISH):
            continue
        holders = [
            holder for holder in _holders(facts, operation.object, 1 - operation.number) if holder != task
        ]
        if holders and all(_joins(facts, holder) for holder in holders):
            return (
                f"A pipe holds only so many bytes: until more is received, {facts.label(task)} stays in send(). "
                "Receive first, and join() then."
            )
    return ""


def shared_end(facts: Facts) -> str:
    """Two processes use one end at the same time."""
    clash = find_clash(facts.seen.execution)
    if clash is None or facts.flaw.conflict != clash.numbers:
        return ""
    return (
        "An end of a pipe is for one process at a time: give each process a pipe of its own, let all of them use a "
        "Queue, or hold a lock during the whole call."
    )


def _joins(facts: Facts, task: TaskId) -> bool:
    operation = facts.waiting.get(task)
    return operation is not None and operation.kind in _JOINS


def _holders(facts: Facts, pipe: int, end: int) -> list[TaskId]:
    state = facts.seen.execution.objects.get(pipe)
    return sorted(holder.task for holder in state.holders[end]) if isinstance(state, PipeState) else []
