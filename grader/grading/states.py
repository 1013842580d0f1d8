"""What every shared object holds, step by step, in words. Start at `history`.

A trace has operations and results, but not the states between them: keeping those of every execution would cost
memory for thousands of executions that nobody is ever shown. The few that are shown are performed again, from the
first states, in the judge alone: the semantics are pure functions (`grader.engine.steps.perform`), so no process is
needed. Every result must be the recorded one; if one is not, nothing is claimed at all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from grader.core.execution import Execution
from grader.core.operations import (
    JUDGE,
    MAIN,
    NO_OBJECT,
    LockFlavour,
    ObjectId,
    OperationKind,
    Step,
    TaskId,
    creator_of,
    process_object,
    task_of,
)
from grader.engine.steps import perform
from grader.grading import pools
from grader.grading.calls import KINDS, content_words
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.pipe_words import say_pipe
from grader.grading.values import OPAQUE, brief, decode_memory, tiny, unpickle
from grader.primitives.condition import ConditionState
from grader.primitives.event import EventState
from grader.primitives.lock import LockState
from grader.primitives.managed_queue import ManagedQueueState
from grader.primitives.manager import ReferentState
from grader.primitives.memory import MemoryState
from grader.primitives.pipe_state import PipeState
from grader.primitives.pool import PoolState
from grader.primitives.process import ProcessState
from grader.primitives.queue import QueueState
from grader.primitives.registry import BY_OBJECT

_MOST_OBJECTS = 24
_MOST_ITEMS = 6
_ALIVE = "alive"

Pairs = tuple[tuple[str, str], ...]
"""Names of shared objects, each with what it holds."""
Label = Callable[[TaskId], str]


class History(msgspec.Struct, frozen=True):
    """What the shared objects held before the first step, and for each step of the trace what was new after it."""

    start: Pairs = ()
    changes: tuple[Mapping[str, str], ...] = ()


def history(seen: Observed, names: Names, most_steps: int) -> History:
    """The states along the first `most_steps` steps; an empty history if the execution cannot be performed again."""
    execution = seen.execution
    objects: dict[ObjectId, Any] = dict(execution.initial)
    for target, creation in execution.creations.items():
        objects.setdefault(target, BY_OBJECT[creation.kind].create(creation))
    shown = _Shown(seen, names, objects)
    start = shown.news(objects, objects)
    changes: list[Mapping[str, str]] = []
    contents = _contents_after(execution)
    for number, step in enumerate(execution.trace[:most_steps]):
        again = _performed(objects, step)
        if number in contents and again is not None and again.touches:
            target = step.operation.object
            objects[target] = ReferentState(contents[number], objects[target].typeid)
        if again is None or again.result != step.result:
            return History()
        everything = (
            step.operation.kind is OperationKind.PROCESS_KILL
        )  # empties buffers that it does not touch
        changes.append(shown.news(objects, objects if everything else again.touches))
    return History(tuple(start.items()), tuple(changes))


def _contents_after(execution: Execution) -> dict[int, bytes]:
    """What was in a manager's object after each call that may have changed it: what the next call found there."""
    found: dict[int, bytes] = {}
    latest = {t: s.data for t, s in execution.objects.items() if isinstance(s, ReferentState)}
    for number, step in reversed(list(enumerate(execution.trace))):
        target = step.operation.object
        if (
            step.operation.kind not in KINDS
            or step.result is None
            or not step.result.ok
            or target not in latest
        ):
            continue
        if step.operation.kind is OperationKind.REFERENT_CHANGE:
            found[number] = latest[target]
        latest[target] = step.result.data
    return found


def _performed(objects: dict[ObjectId, Any], step: Step) -> Step | None:
    try:
        return perform(objects, step.task, step.operation)
    except KeyError:
        return None  # an object that the execution did not tell of


class _Shown:
    """Remembers what was said of each object last."""

    def __init__(self, seen: Observed, names: Names, objects: Mapping[ObjectId, Any]) -> None:
        self._label = seen.label
        self._names = _distinct_names(_worth_showing(seen.execution, names, objects), seen, names, objects)
        self._columns = {step.task for step in seen.execution.trace} | set(seen.execution.pending)
        self._said: dict[str, str] = {}

    def news(self, objects: Mapping[ObjectId, Any], touched: Iterable[ObjectId]) -> dict[str, str]:
        """What is to be said of these objects that was not said before."""
        touched = tuple(touched)
        told = {self._names[t]: say(objects[t], self._label) for t in touched if t in self._names}
        if any(target < 0 for target in touched):
            told[_ALIVE if _ALIVE not in self._names.values() else "processes alive"] = self._alive(objects)
        news = {name: text for name, text in told.items() if self._said.get(name) != text}
        self._said.update(news)
        return news

    def _alive(self, objects: Mapping[ObjectId, Any]) -> str:
        alive = sorted(
            task_of(target)
            for target, state in objects.items()
            if isinstance(state, ProcessState) and state.alive and task_of(target) in self._columns
        )
        return ", ".join(map(self._label, alive)) or "nobody"


def say(state: object, label: Label) -> str:
    """What an object holds, "" if there are no words for objects of its kind."""
    if isinstance(state, MemoryState):
        value = decode_memory(state)
        return brief(value) if value is not OPAQUE else f"{len(state.data)} bytes"
    if isinstance(state, LockState):
        return _lock(state, label)
    if isinstance(state, QueueState):
        return _queue(state, label)
    if isinstance(state, PipeState):
        return say_pipe(state)
    if isinstance(state, PoolState):
        return pools.say(state, label)
    if isinstance(state, EventState):
        return "set" if state.flag else "not set"
    if isinstance(state, ConditionState):
        waiting = ", ".join(label(task) for task in state.waiting)
        notified = f", {state.wakeups} notified" if state.wakeups else ""
        return f"waiting: {waiting}{notified}" if waiting else "nobody waits"
    if isinstance(state, ReferentState):
        return content_words(state.typeid, unpickle(state.data, references=True))
    if isinstance(state, ManagedQueueState):
        return _items(state.items) if state.items else "empty"
    return ""


def _lock(state: LockState, label: Label) -> str:
    holders = f"held by {', '.join(map(label, state.holders))}" if state.holders else ""
    if state.flavour is LockFlavour.RLOCK and state.depth > 1:
        return f"{holders}, {state.depth} times"
    if state.flavour in (LockFlavour.LOCK, LockFlavour.RLOCK):
        return "free" if state.value else holders or "taken"
    return f"{state.value} free{f', {holders}' if holders else ''}"


def _queue(state: QueueState, label: Label) -> str:
    parts = [_items([message.data for message in state.pipe]) if state.pipe else "empty"]
    for owner, messages in state.buffers:
        parts.append(f"on its way from {label(owner)}: {_items([message.data for message in messages])}")
    return " · ".join(parts)


def _items(pickled: Sequence[bytes]) -> str:
    shown = ", ".join(tiny(unpickle(data)) for data in pickled[:_MOST_ITEMS])
    return f"[{shown}, …] ({len(pickled)} items)" if len(pickled) > _MOST_ITEMS else f"[{shown}]"


def _worth_showing(execution: Execution, names: Names, objects: Mapping[ObjectId, Any]) -> list[ObjectId]:
    """What the trace uses or the reader can name, except locks inside of other objects that nobody takes himself."""
    used = {step.operation.object for step in execution.trace}
    used |= {operation.object for operation in execution.pending.values()}
    inner = {getattr(state, "lock", NO_OBJECT) for state in objects.values()}
    kept = [
        target
        for target, state in objects.items()
        if target >= 0
        and say(state, str)
        and (target in used or (target not in inner and names.named(target)))
    ]
    kept.sort(key=lambda target: (target not in used, target))
    return sorted(kept[:_MOST_OBJECTS])


def _distinct_names(
    targets: list[ObjectId], seen: Observed, names: Names, objects: Mapping[ObjectId, Any]
) -> dict[ObjectId, str]:
    """A name of its own for each object; those of one name are told apart by who made them, or where."""
    of_conditions = {state.lock for state in objects.values() if isinstance(state, ConditionState)}
    plain = {t: names.of(t) + ("'s lock" if t in of_conditions else "") for t in targets}
    by_maker = {t: plain[t] + _maker(t, seen, names) for t in targets}
    numbered = {t: f"{plain[t]} #{number}" for number, t in enumerate(targets, start=1)}
    chosen = dict(plain)
    for group in _same(plain):
        told_apart = len({by_maker[target] for target in group}) == len(group)
        chosen |= {target: (by_maker if told_apart else numbered)[target] for target in group}
    return chosen


def _maker(target: ObjectId, seen: Observed, names: Names) -> str:
    creator = creator_of(target)
    if creator == JUDGE:
        return ""
    return f" (line {names.line_of(target)})" if creator == MAIN else f" of {seen.label(creator)}"


def _same(names: Mapping[ObjectId, str]) -> list[list[ObjectId]]:
    counts = Counter(names.values())
    return [[t for t in names if names[t] == name] for name, count in counts.items() if count > 1]


def held_by(seen: Observed, task: TaskId, target: ObjectId, which: str = "which") -> str:
    """Who stands in the way of `task` at a lock in the last state: a clause."""
    state = seen.execution.objects.get(target)
    holders: Sequence[TaskId] = state.holders if isinstance(state, LockState) else ()
    if not holders:
        return f"{which} nobody gives back"
    holder = holders[0]
    if holder == task:
        return f"{which} it holds itself"
    process = seen.execution.objects.get(process_object(holder))
    ended = process is not None and not getattr(process, "alive", True)
    return f"{which} {seen.label(holder)} has taken" + (" and ended without giving back" if ended else "")
