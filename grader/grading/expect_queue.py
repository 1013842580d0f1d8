"""Ready-made expectations about queues, and partners that put and take. Start at `holds`."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from grader.core.operations import ObjectId, Operation, OperationKind, Result, TaskId
from grader.engine.scripted import Script
from grader.grading.expect import wrong
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import NOT_RETURNED, Observed
from grader.grading.scenario import Shared
from grader.grading.values import OPAQUE, plain_pickle, same, show, unpickle
from grader.primitives.managed_queue import ManagedQueueState
from grader.primitives.queue import QueueState

_KIND = OperationKind
_PUTS = (_KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT)
_GETS = (_KIND.QUEUE_GET, _KIND.MANAGED_QUEUE_GET)
_LONG = 40
_DEEPEST = 4
_SCALARS = (int, float, bool, str, bytes, type(None))
_SEQUENCES = (list, tuple)
_Mover: TypeAlias = tuple[TaskId, ObjectId]


def holds(seen: Observed, queue: Shared, expected: Sequence[Any], *, in_order: bool = True) -> list[Flaw]:
    """The queue holds exactly these items at the end."""
    got = seen.items(queue)
    if _agree(got, list(expected), in_order):
        return []
    return [wrong(_difference(queue.name, got, list(expected)), list(expected), got)]


def too_many(seen: Observed, queue: Shared, expected: Sequence[Any]) -> list[Flaw]:
    """Whether more items are on the queue than there should ever be, before the end."""
    got = seen.items(queue)
    if len(got) <= len(expected):
        return []
    many = "1 item" if len(expected) == 1 else f"{len(expected)} items"
    message = f"{queue.name} should get {many}, but it has {len(got)} already, and gets more."
    return [wrong(message, list(expected), got)]


def left_on(seen: Observed, queue: Shared, expected: Sequence[Any]) -> list[Flaw]:
    """The submission has put nothing on the queue, and has left exactly these items on it."""
    got = seen.items(queue)
    if _agree(got, list(expected), True):
        return []
    added = [
        step
        for _, step in seen.steps(shared=queue.object)
        if step.operation.kind is _KIND.QUEUE_PUT and seen.owner(step.task) in seen.scenario.tasks()
    ]
    if added:
        message = (
            f"{seen.label(added[0].task)} has put something on {queue.name}, from which it should only take."
        )
        return [wrong(message, list(expected), got)]
    if len(got) < len(expected):
        message = (
            f"{_items(len(expected) - len(got))} missing from {queue.name}: they come after the sentinel."
        )
    else:
        left = _items(len(got) - len(expected))
        message = f"{left} left on {queue.name}: not everything up to the sentinel was taken."
    return [wrong(message, list(expected), got)]


def _agree(got: Sequence[Any], expected: Sequence[Any], in_order: bool) -> bool:
    if in_order:
        return same(list(got), list(expected))
    rest = list(expected)
    for item in got:
        position = next((index for index, other in enumerate(rest) if same(item, other)), None)
        if position is None:
            return False
        del rest[position]
    return not rest


def _difference(name: str, got: list[Any], expected: list[Any]) -> str:
    if any(item is None for item in got) and not any(item is None for item in expected):
        return f"There is a sentinel None on {name} that does not belong there."
    if _agree(got, expected, in_order=False):
        return f"The items on {name} are not in the order in which they were put."
    if len(got) < len(expected):
        return f"{_items(len(expected) - len(got))} missing from {name}."
    if len(got) > len(expected):
        return f"{_items(len(got) - len(expected))} too many on {name}."
    place = next(i for i, (one, other) in enumerate(zip(got, expected)) if not same(one, other))
    return f"Item number {place + 1} on {name} is {show(got[place])}, but should be {show(expected[place])}."


def _items(count: int) -> str:
    return "1 item is" if count == 1 else f"{count} items are"


def putting_partner(queue: Shared, items: Sequence[Any]) -> Script:
    """A process of ours that puts these items, at any speed."""

    def script():  # type: ignore[no-untyped-def]
        for item in items:
            yield Operation(_KIND.QUEUE_PUT, queue.object, data=plain_pickle(item))

    return script


def taking_partner(queue: Shared, count: int) -> Script:
    """A process of ours that takes so many items, at any speed."""

    def script():  # type: ignore[no-untyped-def]
        for _ in range(count):
            result: Result = yield Operation(_KIND.QUEUE_GET, queue.object)
            del result

    return script


def partner_took(seen: Observed, queue: Shared, expected: Sequence[Any]) -> list[Flaw]:
    """The partner took exactly these items, in order."""
    calls = set(seen.scenario.tasks())
    got = [
        unpickle(step.result.data)
        for _, step in seen.steps(shared=queue.object)
        if seen.owner(step.task) not in calls
        and step.operation.kind is _KIND.QUEUE_GET
        and step.result is not None
    ]
    if same(got, list(expected)):
        return []
    return [wrong(_difference(queue.name, got, list(expected)), list(expected), got)]


def pipeline_call(items: Sequence[Any], consumers: int, maxsize: int) -> str:
    """How the call of the pipeline is shown."""
    more = f", {maxsize}" if maxsize else ""
    return f"run_pipeline({show(list(items), _LONG)}, {consumers}{more})"


def pipeline_returned(
    seen: Observed, main: TaskId, expected: list[Any], call: str, *, in_order: bool
) -> list[Flaw]:
    """The pipeline returned the list of all items."""
    got = seen.returned(main)
    if got is NOT_RETURNED:
        return []
    if type(got) is not list:
        text = f"a {seen.process(main).returned_type}" if got is OPAQUE or got is not None else "nothing"
        message = f"{call} should return a list of the items, but it returned {text}."
        return [Flaw(Wrong.VALUE, message, show(expected), show(got))]
    if _agree(got, expected, in_order):
        return []
    if _agree(got, expected, in_order=False):
        message = f"{call} returned the items in another order than the producer's."
    elif len(got) < len(expected):
        message = f"{call} lost items: {_items(len(expected) - len(got))} missing from what it returned."
    elif len(got) > len(expected):
        message = f"{_items(len(got) - len(expected))} too many in what {call} returned."
    else:
        message = f"{call} did not return the right items."
    return [wrong(message, expected, got)]


def has_queue_of(seen: Observed, main: TaskId, maxsize: int, call: str) -> list[Flaw]:
    """A queue of that `maxsize` was made, and all bounded ones are so."""
    sizes = [
        state.maxsize
        for state in seen.execution.objects.values()
        if isinstance(state, ManagedQueueState) or (isinstance(state, QueueState) and not state.simple)
    ]
    if not sizes or maxsize in sizes:
        return []
    message = (
        f"{call} should work with a Queue({maxsize}), but it made "
        + ", ".join(f"a Queue({size or ''})" for size in sizes[:3])
        + "."
    )
    return [wrong(message, maxsize, sizes[0])]


def one_sentinel_each(seen: Observed, main: TaskId, consumers: int, call: str) -> list[Flaw]:
    """On the queue that got sentinels there is none left, and what was put is one for each consumer."""
    puts: dict[int, int] = {}
    for _, step in seen.steps(task=main):
        put = step.operation.kind in _PUTS and step.result is not None and step.result.ok
        if put and unpickle(step.operation.data) is None:
            puts[step.operation.object] = puts.get(step.operation.object, 0) + 1
    for count in puts.values():
        if count > consumers:
            who = "1 consumer" if consumers == 1 else f"{consumers} consumers"
            message = f"{call} put {count} sentinels on the queue for {who}."
            return [wrong(message, consumers, count)]
    return []
