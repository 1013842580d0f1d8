"""Guesses about queues and sentinels. Each rule answers with a sentence, or with nothing."""

from typing import Any

from grader.core.operations import ObjectId, OperationKind, Step, TaskId
from grader.grading import hints_waiting as waiting
from grader.grading.evidence import Facts
from grader.grading.values import unpickle
from grader.primitives.queue import QueueState

_KIND = OperationKind
_LOOKS = (_KIND.QUEUE_EMPTY, _KIND.QUEUE_SIZE)
_TAKES = (_KIND.QUEUE_GET, *_LOOKS)
_JOINS = (_KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT, _KIND.PROCESS_EXIT)


def _item(step: Step) -> Any:
    """What was put, or taken."""
    if step.operation.kind is _KIND.QUEUE_PUT:
        return unpickle(step.operation.data)
    return unpickle(step.result.data) if step.result is not None else None


def _done(facts: Facts, kind: OperationKind, task: TaskId | None = None) -> list[Step]:
    return [step for step in facts.steps(kind, task) if step.result is not None and step.result.ok]


def _sentinels_taken(facts: Facts, task: TaskId, queue: ObjectId) -> int:
    gets = _done(facts, _KIND.QUEUE_GET, task)
    return sum(1 for step in gets if step.operation.object == queue and _item(step) is None)


def cancelled(facts: Facts) -> str:
    """cancel_join_thread()."""
    line = facts.line_of(_KIND.QUEUE_CANCEL_JOIN)
    if not line:
        return ""
    return (
        f"After cancel_join_thread() in line {line} a process ends without waiting until everything that it has put "
        "has been sent. Leave it out."
    )


def after_sentinel(facts: Facts) -> str:
    """Something more is taken after the sentinel."""
    seen: set[tuple[TaskId, ObjectId]] = set()
    for step in facts.trace:
        operation, place = step.operation, (step.task, step.operation.object)
        if place in seen and operation.kind in _TAKES:
            return (
                f"After the sentinel None, line {operation.line} looks for more on the queue. What comes after it is "
                "for others: stop at the first None."
            )
        got = operation.kind is _KIND.QUEUE_GET and step.result is not None and step.result.ok
        if got and _item(step) is None and step.task != facts.main:
            seen.add(place)
    return ""


def sentinel_put(facts: Facts) -> str:
    """A producer or a consumer puts a sentinel."""
    if facts.main is not None:
        return ""
    for step in _done(facts, _KIND.QUEUE_PUT):
        if _item(step) is None:
            return (
                f"Line {step.operation.line} puts the sentinel None. It only says that nothing more comes: whoever has "
                "started the processes puts it, and nobody passes it on."
            )
    return ""


def looked_empty(facts: Facts) -> str:
    """empty() or qsize() was taken for the end."""
    for step in facts.trace:
        if step.operation.kind in _LOOKS and step.result is not None:
            empty = step.result.number == (1 if step.operation.kind is _KIND.QUEUE_EMPTY else 0)
            if empty or step.operation.kind is _KIND.QUEUE_SIZE:
                return (
                    f"In line {step.operation.line} the queue is asked how much is on it at this moment. That says "
                    "nothing about the end, for the next item may be on its way: get() waits for it."
                )
    return ""


def get_gave_up(facts: Facts) -> str:
    """get_nowait() or get(timeout=)."""
    given_up = facts.gave_up(_KIND.QUEUE_GET)
    if given_up is None:
        return ""
    return waiting.told(facts, given_up, "takes nothing that comes later")


def put_gave_up(facts: Facts) -> str:
    """put_nowait() or put(timeout=)."""
    given_up = facts.gave_up(_KIND.QUEUE_PUT)
    if given_up is None:
        return ""
    return waiting.told(facts, given_up, "the item is lost")


def asked_full(facts: Facts) -> str:
    """full() was asked, and said yes."""
    for step in facts.steps(_KIND.QUEUE_FULL):
        if step.result is not None and step.result.number:
            return (
                f"In line {step.operation.line} the queue is full only at this moment. "
                "There is no need to ask: put() waits for room by itself."
            )
    return ""


def falsy(facts: Facts) -> str:
    """Items that count as false are taken for the sentinel, or left out."""
    if facts.main is not None:
        return ""
    taken = [_item(step) for step in _done(facts, _KIND.QUEUE_GET)] or _given(facts)
    put = [_item(step) for step in _done(facts, _KIND.QUEUE_PUT)]
    items = [item for item in taken if item is not None]
    missing = [
        item for item in items if not any(item is p or (type(item) is type(p) and item == p) for p in put)
    ]
    if not missing or any(missing) or "missing" not in facts.flaw.message:
        return ""
    return "Items like 0, '' or [] count as false, but are items. Compare with the sentinel itself: `item is None`."


def _given(facts: Facts) -> list[Any]:
    """The items that a producer was called with."""
    for call in facts.seen.scenario.calls:
        for argument in call.arguments:
            if "plain" in argument:
                items = unpickle(argument["plain"])
                return items if isinstance(items, list) else []
    return []


def stopped_early(facts: Facts) -> str:
    """A consumer that ends without having seen a sentinel."""
    if facts.main is not None:
        return ""
    for task in facts.seen.scenario.tasks():
        taken = [_item(step) for step in _done(facts, _KIND.QUEUE_GET, task)]
        if taken and None not in taken and task not in facts.waiting:
            count = "1 item" if len(taken) == 1 else f"{len(taken)} items"
            ends = f"{facts.label(task)} ends after {count}, without the sentinel."
            return f"{ends} Take items in a loop, until None comes."
    return ""


def whole_list(facts: Facts) -> str:
    """All items as one."""
    put = _done(facts, _KIND.QUEUE_PUT)
    if facts.main is not None or len(put) != 1 or not isinstance(_item(put[0]), (list, tuple)):
        return ""
    return f"Line {put[0].operation.line} puts all items as one list. Put each of them by itself, in a loop."


def nothing_put(facts: Facts) -> str:
    """Items are taken, and none is passed on."""
    if facts.main is not None or "missing from" not in facts.flaw.message or _done(facts, _KIND.QUEUE_PUT):
        return ""
    return "Nothing is put on the queue at all. Every item is passed on with put()."


def join_before_drain(facts: Facts) -> str:
    """A process that cannot end because of what it has put."""
    if not facts.waits_for(_KIND.PROCESS_EXIT):
        return ""
    for state in facts.seen.execution.objects.values():
        if isinstance(state, QueueState) and any(not state.delivered(task) for task, _ in state.sent):
            return (
                "A process ends only when everything that it has put on a queue has been taken out. Take the results "
                "from the queue first, and join() afterwards."
            )
    return ""


def full(facts: Facts) -> str:
    """Somebody waits for room, and nobody makes it."""
    putting = {task: op for task, op in facts.waiting.items() if op.kind is _KIND.QUEUE_PUT}
    if not putting:
        return ""
    child = next((task for task in putting if task != facts.main), None)
    if child is None or facts.main is None:
        return "The queue is full, and nobody is there to take something out. Start the consumers before filling it."
    waits = facts.waiting.get(facts.main)
    name = facts.names.of(putting[child].object)
    if waits is None or not waits.line:
        return f"{facts.label(child)} waits for room on {name}, and nobody takes anything out of it."
    return (
        f"{name} is full, and the main process, which is to read it, waits for something else in line {waits.line}. "
        "Give it no maxsize, and use a Queue: its put() need not wait for the reader."
    )


def took_sentinel(facts: Facts) -> str:
    """A process has had its sentinel, and wants more."""
    for task, operation in facts.waiting.items():
        if operation.kind is _KIND.QUEUE_GET and _sentinels_taken(facts, task, operation.object):
            return (
                f"{facts.label(task)} has taken the sentinel None, and yet calls get() again in line {operation.line}. "
                "Nothing comes after it: stop at the first None."
            )
    return ""


def sentinel_too_early(facts: Facts) -> str:
    """The sentinels came before the last item."""
    for target, state in facts.seen.execution.objects.items():
        if not isinstance(state, QueueState):
            continue
        left = [*state.pipe, *(message for _, messages in state.buffers for message in messages)]
        taken = sum(_sentinels_taken(facts, task, target) for task in facts.children())
        if taken and any(unpickle(message.data) is not None for message in left):
            return (
                f"The sentinel None was on {facts.names.of(target)} before the last item, so items are left there. "
                "Put the sentinels when the producer has ended: join() it first."
            )
    return ""


def sentinels_short(facts: Facts) -> str:
    """A consumer waits for a sentinel that does not come."""
    waiting = [op for task, op in facts.waiting.items() if op.kind is _KIND.QUEUE_GET and task != facts.main]
    if not waiting or facts.main is None:
        return ""
    operation = waiting[0]
    name = facts.names.of(operation.object)
    puts = [s for s in _done(facts, _KIND.QUEUE_PUT) if s.operation.object == operation.object]
    sentinels = sum(1 for step in puts if _item(step) is None)
    stolen = next(
        (s for s in _done(facts, _KIND.QUEUE_GET, facts.main) if s.operation.object == operation.object), None
    )
    main = facts.waiting.get(facts.main)
    takes = stolen.operation if stolen is not None else main
    if takes is not None and takes.kind is _KIND.QUEUE_GET and takes.object == operation.object:
        return (
            f"The main process itself takes from {name} in line {takes.line} what is meant for the "
            "consumers. It reads the results only."
        )
    consumers = len(_takers(facts, operation.object))
    if sentinels == 0:
        before = " before you join the consumers" if main is not None and main.kind in _JOINS else ""
        return f"No sentinel None has been put on {name}. Put one for each consumer{before}."
    if sentinels < consumers:
        return (
            f"There are {consumers} consumers, but only {sentinels} None on {name}. Each consumer takes one."
        )
    return ""


def _takers(facts: Facts, queue: ObjectId) -> set[TaskId]:
    takers = {step.task for step in facts.steps(_KIND.QUEUE_GET) if step.operation.object == queue}
    waiting = {t for t, op in facts.waiting.items() if op.kind is _KIND.QUEUE_GET and op.object == queue}
    return (takers | waiting) - {facts.main if facts.main is not None else -1}


def nobody_takes(facts: Facts) -> str:
    """The main process waits for results, and no consumer was ever there."""
    main = facts.waiting.get(facts.main) if facts.main is not None else None
    if main is None or main.kind is not _KIND.QUEUE_GET:
        return ""
    if any(step.task != facts.main for step in facts.steps(_KIND.QUEUE_GET)) or facts.waits_for(
        _KIND.QUEUE_PUT
    ):
        return ""
    return "No process takes items from the queue. Have the consumers been started?"


def nobody_puts(facts: Facts) -> str:
    """The main process wants more results than there are."""
    main = facts.waiting.get(facts.main) if facts.main is not None else None
    if main is None or main.kind is not _KIND.QUEUE_GET or len(facts.waiting) > 1:
        return ""
    count = sum(1 for s in _done(facts, _KIND.QUEUE_PUT) if s.operation.object == main.object)
    return (
        f"Line {main.line} waits for one more than the {count} that were put on {facts.names.of(main.object)}, and all "
        "others have ended. Take one result for each item, and no more."
    )


def never_waits(facts: Facts) -> str:
    """A loop of get_nowait() that never ends."""
    for task, operation in facts.waiting.items():
        if operation.kind is _KIND.QUEUE_GET and _sentinels_taken(facts, task, operation.object):
            return "The sentinel None has been taken, and the loop goes on. Leave it at the first None."
    return ""
