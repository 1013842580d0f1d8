"""Guesses about waiting that comes to nothing: giving up, and going round in a cycle. Each rule answers with a sentence
or two, or with nothing."""

from grader.core.operations import Failure, OperationKind, Step, TaskId, task_of
from grader.grading.cycles import cycle_of, gives_locks_back, locks_taken, steps_back
from grader.grading.evidence import Facts
from grader.grading.giving_up import GiveUp, after, duration_words, what
from grader.grading.values import decode_items
from grader.primitives.memory import MemoryState

_KIND = OperationKind
_JOINS = (_KIND.PROCESS_JOIN, _KIND.THREAD_JOIN)
_ANSWERS = {
    _KIND.QUEUE_GET: _KIND.QUEUE_PUT,
    _KIND.QUEUE_PUT: _KIND.QUEUE_GET,
    _KIND.MANAGED_QUEUE_GET: _KIND.MANAGED_QUEUE_PUT,
    _KIND.MANAGED_QUEUE_PUT: _KIND.MANAGED_QUEUE_GET,
    _KIND.EVENT_WAIT: _KIND.EVENT_SET,
    _KIND.CONDITION_RESUME: _KIND.CONDITION_NOTIFY,
}
"""What others do that ends a wait."""
_OTHERWISE = (_KIND.EVENT_WAIT, _KIND.CONDITION_RESUME, _KIND.MANAGED_QUEUE_GET, _KIND.MANAGED_QUEUE_PUT)
_WORK = (_KIND.MEMORY_WRITE, _KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT, _KIND.PIPE_SEND)
"""What others can notice."""
_ADVICE = {
    _KIND.QUEUE_GET: "Use get() without a timeout: it waits for the next item.",
    _KIND.QUEUE_PUT: "Use put() without a timeout: it waits for room.",
    _KIND.PROCESS_JOIN: "Leave the timeout out: join() waits until it has ended.",
}
_ANY_ADVICE = "Try until it works, or wait without a limit."


def told(facts: Facts, given_up: GiveUp, consequence: str, advice: str = "") -> str:
    """Who gave up waiting for what, after how many tries, and what came of it; then `advice`, or what fits the call."""
    advice = advice or _ADVICE.get(given_up.operation.kind, _ANY_ADVICE)
    number = len(given_up.tries)
    tries = "a failed try" if number == 1 else f"{number} failed tries"
    where = ""
    if len(given_up.lines) == 1:
        where = f" in line {given_up.lines[0]}"
    elif given_up.lines:
        where = f" in lines {min(given_up.lines)}–{max(given_up.lines)}"  # noqa: RUF001 (a range)
    if given_up.milliseconds:
        where += f" ({duration_words(given_up.milliseconds)}{' in all' if number > 1 else ''})"
    waits = f"waiting for {what(facts.seen, facts.names, given_up)}"
    other = _awaited(facts, given_up)
    who = facts.label(other) if other is not None else "The others"
    return (
        f"{facts.label(given_up.task)} gives up {waits} after {tries}{where}, and {consequence}. "
        f"{who} can be kept from running for longer. {advice}"
    )


def loses_its_update(facts: Facts, given_up: GiveUp) -> str:
    """Somebody gave up waiting for a lock, and has left out what it was to do."""
    what_is_lost = "increment" if _others_add_one(facts, given_up.task) else "update"
    return told(facts, given_up, f"its {what_is_lost} is lost")


def died_after(facts: Facts) -> str:
    """A process that has given up waiting, and dies of that."""
    for given_up in facts.given_up:
        failure = _death(facts, given_up)
        if failure is not None and failure == facts.flaw.failure:
            return told(facts, given_up, f"dies of {failure.type}")
    return ""


def _death(facts: Facts, given_up: GiveUp) -> Failure | None:
    """The exception that has ended a process which has done nothing for others since it gave up."""
    later = list(after(facts.seen, given_up))
    own = facts.names.line_of(given_up.operation.object)  # a barrier writes down that it is broken
    works = (step.operation.object for step in later if step.operation.kind in _WORK)
    if any(not own or facts.names.line_of(target) != own for target in works):
        return None
    ends = [step.operation for step in later]
    pending = facts.waiting.get(given_up.task)
    ends += [pending] if pending is not None else []
    failures = (operation.failure for operation in ends if operation.kind is _KIND.PROCESS_EXIT)
    return next((failure for failure in failures if failure is not None), None)


def gave_up_otherwise(facts: Facts) -> str:
    """Somebody gave up waiting for an event, a condition, a barrier or a manager's queue."""
    given_up = next((one for one in facts.given_up if one.operation.kind in _OTHERWISE), None)
    if given_up is None:
        return ""
    failure = _death(facts, given_up)
    return told(facts, given_up, "goes on all the same" if failure is None else f"dies of {failure.type}")


def lock_order(facts: Facts) -> str:
    """Each takes a lock, finds the other's taken and gives back, for ever."""
    cycle = cycle_of(facts.seen.execution)
    if cycle is None or len(cycle.tasks) < 2 or not gives_locks_back(cycle):
        return ""
    if len({locks_taken(cycle, task) for task in cycle.tasks}) == 1:
        return ""
    return "Take the locks in the same order everywhere."


def after_you(facts: Facts) -> str:
    """Each steps back because of the other, for ever."""
    cycle = cycle_of(facts.seen.execution)
    if cycle is None or len(cycle.tasks) < 2 or not steps_back(cycle):
        return ""
    return (
        "Who steps back for others at the same time as they do may go on like that for ever. "
        "Let a lock decide who goes first."
    )


def _awaited(facts: Facts, given_up: GiveUp) -> TaskId | None:
    """Who could have ended the wait, if only one could."""
    operation = given_up.operation
    if operation.kind in _JOINS:
        return task_of(operation.object)
    if operation.kind is _KIND.LOCK_ACQUIRE:
        return holder(facts, given_up)
    answer = _ANSWERS.get(operation.kind)
    steps = facts.seen.execution.trace
    others = {s.task for s in steps if s.operation.kind is answer and s.operation.object == operation.object}
    others.discard(given_up.task)
    return others.pop() if len(others) == 1 else None


def holder(facts: Facts, given_up: GiveUp) -> TaskId | None:
    """Who had the lock when somebody gave up waiting for it, if one had it."""
    holding: list[TaskId] = []
    for step in facts.seen.execution.trace[: given_up.tries[-1]]:
        if step.operation.object != given_up.operation.object or step.result is None or not step.result.ok:
            continue
        if step.operation.kind is _KIND.LOCK_ACQUIRE:
            holding.append(step.task)
        elif step.operation.kind is _KIND.LOCK_RELEASE and holding:
            holding.remove(step.task if step.task in holding else holding[0])
    return holding[0] if len(holding) == 1 else None


def comes_back(facts: Facts, given_up: GiveUp) -> bool:
    """Whether the lock that somebody gave up waiting for was given back later, so that waiting would have helped."""
    return any(
        step.operation.kind is _KIND.LOCK_RELEASE and step.operation.object == given_up.operation.object
        for step in facts.seen.execution.trace[given_up.tries[-1] :]
    )


def _others_add_one(facts: Facts, but: TaskId) -> bool:
    """Whether some other process writes one more than it has read."""
    read: dict[tuple[TaskId, int], object] = {}
    for step in facts.trace:
        key = step.task, step.operation.object
        if step.operation.kind is _KIND.MEMORY_READ:
            read[key] = _number(facts, step)
        elif step.operation.kind is _KIND.MEMORY_WRITE and step.task != but:
            before, now = read.get(key), _number(facts, step)
            if isinstance(before, int) and isinstance(now, int) and now == before + 1:
                return True
    return False


def _number(facts: Facts, step: Step) -> object:
    state = facts.seen.execution.objects.get(step.operation.object)
    data = step.operation.data or (step.result.data if step.result is not None else b"")
    items = decode_items(state.typecode, data) if isinstance(state, MemoryState) else None
    return items[0] if items and len(items) == 1 else None
