"""The truth about small programs that wait by trying again: every interleaving within a bound on vain rounds.

Start at `BoundedOracle`. It knows the primitives (`is_enabled`, `perform`, `depends`) and the definition of a vain
round, which is written down here a second time, as plainly as possible, and nothing of `grader.engine.waits`, the
driver, the machine or any strategy.

* A *visit* is a place in a program along with the operation that is about to be done there.
* A *round* are the steps of a task from one visit up to the next one like it; at most `LONGEST` of them.
* A *look* is a step that has left everything as it was, and is no sleep, no release, no write.
* A round is *vain* if it has a look; if all else are sleeps, lock operations, waits that begin, and writes; if it gives
  back each lock as often as it takes it; and if each cell that it writes had the same bytes from the task before.
* Within the bound B no task does the last look of a round with the same result, if it has made what comes before it
  in the round, and the whole round so often already.

All that is about one task is in its *history*, and what is shared in the objects. Interleavings that come to the same
histories and objects go on alike, so each such state is looked at once; nothing else is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from grader.core.execution import Execution
from grader.core.operations import (
    DONE,
    JUDGE,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    process_object,
)
from grader.engine.scripted import Asked, Script
from grader.engine.steps import is_enabled, perform
from grader.engine.tasks import TaskTable
from grader.primitives.manager import settled
from grader.primitives.process import ProcessState, ended_by
from grader.primitives.queue import QueueState
from tests.oracle import TooManyStatesError, in_order, without_marks

_KIND = OperationKind
LONGEST = 64
_NEVER_LOOKS = (*(_KIND.SLEEP, _KIND.LOCK_RELEASE, _KIND.MEMORY_WRITE, _KIND.EVENT_SET, _KIND.EVENT_CLEAR),)
_HARMLESS = (
    *(_KIND.SLEEP, _KIND.LOCK_ACQUIRE, _KIND.LOCK_RELEASE, _KIND.MEMORY_WRITE),
    _KIND.EVENT_ENTER,
)

Position: TypeAlias = tuple[tuple[str, int, int], ...]


class Visit(NamedTuple):
    """Where a task is, and what it is about to do there."""

    position: Position
    operation: Operation


class Made(NamedTuple):
    """A step, as its task and the judge see it."""

    visit: Visit
    result: Result
    changed: bool

    @property
    def is_look(self) -> bool:
        return not self.changed and self.visit.operation.kind not in _NEVER_LOOKS


Round: TypeAlias = tuple[Made, ...]


class History:
    """What one task has done; the same history is the same object."""

    __slots__ = ("_after", "asked", "counts", "made", "script", "told", "visit")

    def __init__(self, script: Script, told: tuple[Result, ...] = (), made: Round = ()) -> None:
        self.script = script
        self.told = told
        self.made = made
        self._after: dict[Made, History] = {}
        self.asked, position = ask_where(script, told)
        operation = self.asked.operation
        if operation.kind is _KIND.SLEEP:
            operation = msgspec.structs.replace(operation, number=0)
        self.visit = Visit(position, operation)
        self.counts: dict[Round, int] = {}
        """How often the task has made each vain round, one that ends here included."""

    def after(self, made: Made) -> "History":
        """The history that goes on with a step."""
        if made not in self._after:
            found = History(self.script, (*self.told, made.result), (*self.made, made))
            found.counts = dict(self.counts)
            last = found.last_round()
            if last is not None and is_vain(last, found.made[: -len(last)]):
                found.counts[last] = found.counts.get(last, 0) + 1
            self._after[made] = found
        return self._after[made]

    def last_round(self) -> Round | None:
        """The steps since the last visit like the present one."""
        if not self.visit.position:
            return None
        for length in range(1, min(LONGEST, len(self.made)) + 1):
            if self.made[-length].visit == self.visit:
                return self.made[-length:]
        return None

    def refused(self, bound: int, known: frozenset[Round]) -> list[Made]:
        """The looks, like the present one, that would go beyond the bound."""
        spent = {one for one, times in self.counts.items() if times >= bound}
        if bound == 0:
            spent |= known
        return [one[last] for one in spent for last in [last_look(one)] if self._is_there(one, last)]

    def _is_there(self, one: Round, last: int) -> bool:
        before = self.made[len(self.made) - last :] if last <= len(self.made) else None
        return one[last].visit == self.visit and before == one[:last]


def last_look(one: Round) -> int:
    """The number of the last step of a round that has only looked."""
    return max(number for number, made in enumerate(one) if made.is_look)


def is_vain(one: Round, before: Round) -> bool:
    """Whether a round, made after the steps `before`, has come to nothing."""
    if not any(made.is_look for made in one):
        return False
    if any(not made.is_look and made.visit.operation.kind not in _HARMLESS for made in one):
        return False
    taken: dict[ObjectId, int] = {}
    written: dict[tuple[ObjectId, int, int], bytes] = {}
    for made in one:
        operation = made.visit.operation
        if made.changed and operation.kind in (_KIND.LOCK_ACQUIRE, _KIND.LOCK_RELEASE):
            one_more = 1 if operation.kind is _KIND.LOCK_ACQUIRE else -1
            taken[operation.object] = taken.get(operation.object, 0) + one_more
        elif operation.kind is _KIND.MEMORY_WRITE:
            written[_cell(operation)] = operation.data
    if any(taken.values()):
        return False
    earlier = {
        _cell(made.visit.operation): made.visit.operation.data
        for made in before
        if made.visit.operation.kind is _KIND.MEMORY_WRITE
    }
    return all(earlier.get(cell) == data for cell, data in written.items())


def _cell(operation: Operation) -> tuple[ObjectId, int, int]:
    return operation.object, operation.offset, len(operation.data)


def ask_where(script: Script, told: Sequence[Result]) -> tuple[Asked, Position]:
    """What a script asks for after it was told all that, and where it is then."""
    generator: Any = script()
    try:
        said = next(generator)
        for result in told:
            said = generator.send(result)
    except StopIteration:
        return Asked(Operation(_KIND.PROCESS_EXIT)), ()
    position: Position = ()
    inner = generator  # the outermost one has to stay, or it is closed along with all that it waits for
    while inner is not None:
        frame = inner.gi_frame
        position += ((frame.f_code.co_name, frame.f_code.co_firstlineno, frame.f_lasti),)
        inner = inner.gi_yieldfrom
    return (said if isinstance(said, Asked) else Asked(said)), position


class Ending(NamedTuple):
    """What an interleaving came to: the contents of all objects, and what each task has done and been told."""

    objects: tuple[int, ...]
    histories: tuple[History, ...]


class State:
    """A state that the program can come to within the bound; `next` are the steps that can be made there."""

    __slots__ = ("_next", "_oracle", "ending", "gone", "histories", "objects")

    def __init__(
        self,
        oracle: "BoundedOracle",
        objects: dict[ObjectId, Any],
        ending: Ending,
        gone: frozenset[TaskId],
    ) -> None:
        self._oracle = oracle
        self.objects = objects
        self.ending = ending
        self.histories = ending.histories
        self.gone = gone
        self._next: dict[TaskId, tuple[Step, State]] | None = None

    @property
    def next(self) -> "dict[TaskId, tuple[Step, State]]":
        if self._next is None:
            self._next = self._oracle.successors(self)
        return self._next


class BoundedOracle:
    """All interleavings of scripts, which start no others, in which no task makes a vain round more than `bound` times.

    None: all that there are. `known` are rounds that need not be made once to be refused (at a bound of 0).
    """

    def __init__(
        self,
        objects: Mapping[ObjectId, Any],
        scripts: Sequence[Script],
        bound: int | None,
        known: frozenset[Round] = frozenset(),
        most_states: int = 30_000,
        tasks: TaskTable | None = None,
    ) -> None:
        self.tasks = tasks or TaskTable()
        self.bound, self.known = bound, known
        self._most_states = most_states
        self._numbers = [self.tasks.top(place, f"P{place + 1}") for place in range(len(scripts))]
        self._contents: dict[Any, int] = {}
        self._states: dict[tuple[Ending, frozenset[TaskId]], State] = {}
        processes = {process_object(task): ProcessState(JUDGE) for task in self._numbers}
        everything = {**objects, **processes}
        self._names = sorted(everything)
        contents = tuple(self._content(everything[name]) for name in self._names)
        histories = tuple(History(script) for script in scripts)
        self.first = self._state(everything, Ending(contents, histories), frozenset())

    def _content(self, state: Any) -> int:
        return self._contents.setdefault(state, len(self._contents))

    def _state(self, objects: dict[ObjectId, Any], ending: Ending, gone: frozenset[TaskId]) -> State:
        key = (ending, gone)
        if key not in self._states:
            if len(self._states) >= self._most_states:
                raise TooManyStatesError
            self._states[key] = State(self, objects, ending, gone)
        return self._states[key]

    def pending(self, state: State) -> dict[TaskId, Operation]:
        """What every task, and every feeder with something in its buffer, would do next."""
        found: dict[TaskId, Operation] = {}
        for task, history in zip(self._numbers, state.histories):
            if task not in state.gone:
                found[task] = self._about_itself(task, history.asked.operation)
        for target, content in state.objects.items():
            if type(content) is QueueState:
                for owner, _ in content.buffers:
                    feeder = self.tasks.feeder(owner, target)
                    found[feeder] = Operation(_KIND.QUEUE_FLUSH, target, number=owner)
        return found

    @staticmethod
    def _about_itself(task: TaskId, operation: Operation) -> Operation:
        if operation.kind is not _KIND.PROCESS_EXIT:
            return operation
        return msgspec.structs.replace(operation, object=process_object(task))

    def successors(self, state: State) -> dict[TaskId, tuple[Step, State]]:
        """Every step that can be made within the bound, and what it leads to."""
        found: dict[TaskId, tuple[Step, State]] = {}
        for task, operation in sorted(self.pending(state).items()):
            if is_enabled(state.objects, task, operation):
                made = self._made(state, task, operation)
                if made is not None:
                    found[task] = made
        return found

    def _made(self, state: State, task: TaskId, operation: Operation) -> tuple[Step, State] | None:
        objects = dict(state.objects)
        step = perform(objects, task, operation)
        histories, gone = list(state.histories), state.gone | {*ended_by(step)}
        if operation.kind is not _KIND.QUEUE_FLUSH:
            place = self._numbers.index(task)
            histories[place] = self._told(state.histories[place], step, objects)
            if self._is_refused(state.histories[place], histories[place].made[-1]):
                return None
        contents = tuple(
            before if objects[name] is state.objects[name] else self._content(objects[name])
            for name, before in zip(self._names, state.ending.objects)
        )
        return step, self._state(objects, Ending(contents, tuple(histories)), gone)

    @staticmethod
    def _told(history: History, step: Step, objects: dict[ObjectId, Any]) -> History:
        """How the history of a task goes on; what it makes of a manager's object it says along with its next step."""
        result = without_marks(step.result or DONE)
        target, changed = step.operation.object, step.changed
        if step.operation.kind is _KIND.REFERENT_CHANGE and step.touches:
            asked, _ = ask_where(history.script, (*history.told, result))
            before = objects[target].data
            objects[target] = settled(objects[target], asked.updates[0].data if asked.updates else before)
            changed = objects[target].data != before
        return history.after(Made(history.visit, result, changed))

    def _is_refused(self, history: History, made: Made) -> bool:
        if self.bound is None:
            return False
        for look in history.refused(self.bound, self.known):
            asks = made.visit.operation.kind is _KIND.REFERENT_CHANGE
            if look.result == made.result and (asks or not made.changed):
                return True  # what a task would make of a manager's object, only the task knows
        return False

    def states(self) -> list[State]:
        """Every state that the program can come to within the bound."""
        left, found = [self.first], {id(self.first): self.first}
        while left:
            for _, after in left.pop().next.values():
                if id(after) not in found:
                    found[id(after)] = after
                    left.append(after)
        return list(found.values())

    def endings(self) -> set[Ending]:
        """Everything that it can come to before nobody can go on within the bound."""
        return {state.ending for state in self.states() if not state.next}

    def outcomes(self) -> set[Ending]:
        """The endings in which nobody could go on even without a bound."""
        return {
            state.ending
            for state in self.states()
            if not any(is_enabled(state.objects, *one) for one in self.pending(state).items())
        }

    def rounds(self) -> frozenset[Round]:
        """Every vain round that a task makes somewhere."""
        return frozenset(one for state in self.states() for own in state.histories for one in own.counts)

    def count_interleavings(self) -> int:
        """How many interleavings there are."""
        known: dict[int, int] = {}

        def count(state: State) -> int:
            if id(state) not in known:
                known[id(state)] = sum(count(after) for _, after in state.next.values()) or 1
            return known[id(state)]

        return count(self.first)

    def count_classes(self) -> int:
        """How many are the least of their class, steps being independent unless `depends` says otherwise."""
        count = 0
        left: list[tuple[tuple[Step, ...], State]] = [((), self.first)]
        while left:
            steps, state = left.pop()
            count += not state.next
            for step, after in state.next.values():
                if not _could_stand_earlier(steps, step):
                    left.append(((*steps, step), after))
        return count

    def reached(self, execution: Execution) -> State:
        """Where an execution of the engine leaves the bound, or ends.

        Raises:
            AssertionError: it was told something that it could not be told.
        """
        state = self.first
        for number, step in enumerate(execution.trace):
            if step.task not in state.next:
                break
            mine, state = state.next[step.task]
            assert mine.operation == step.operation, f"step {number + 1} is another one"
            assert mine.result == step.result, f"step {number + 1} has another result"
        return state

    def end_of(self, execution: Execution) -> Ending:
        """What an execution of the engine has come to when it leaves the bound, or ends.

        Raises:
            AssertionError: somebody could have gone on within the bound.
        """
        state = self.reached(execution)
        assert not state.next, (
            f"it goes beyond the bound, or ends, where {sorted(state.next)} could have gone on"
        )
        return state.ending


def _could_stand_earlier(made: Sequence[Step], step: Step) -> bool:
    for earlier in reversed(made):
        if in_order(earlier, step):
            return False
        if step.task < earlier.task:
            return True
    return False
