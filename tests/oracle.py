"""The truth about small scripted programs, found without the engine: every interleaving, one by one.

Start at `Oracle`. It knows the primitives (`enabled`, `apply`, `depends`) and nothing of the driver, the machine or
any strategy. A script is run again from its start for every history of results, so that a state can be left and come
back to. Marks (`marked`) are believed: where a script gives the same mark again, what it was told since is forgotten,
so that a polling loop has finitely many states. The engine knows nothing of marks.

Two counts of the classes of equivalent interleavings, found in different ways:

* `classes_by_swapping` takes all interleavings, and merges those that differ by one swap of independent neighbours;
* `normal_forms` are the interleavings that are the least of their class (Anisimov and Knuth: Inhomogeneous
  sorting, 1979): no step could move left past independent ones to stand before a step of a higher task.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import pairwise
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
    task_of,
)
from grader.engine.scripted import Asked, Script
from grader.engine.steps import is_enabled, perform
from grader.engine.tasks import TaskTable
from grader.primitives.manager import settled
from grader.primitives.pipe import handed_over
from grader.primitives.process import ProcessState, ended_by
from grader.primitives.queue import QueueState
from grader.primitives.registry import depends
from grader.primitives.thread import ThreadState, process_of, started_by

_KIND = OperationKind
_STARTS = (_KIND.PROCESS_START, _KIND.THREAD_START)
Independence: TypeAlias = Callable[["State", Step, Step], bool]


class Marked(Asked):
    """What a script asks for, with a mark of its local state: where the same is asked for again, it goes on alike."""

    mark: int = 0


def marked(operation: Operation, mark: int) -> Marked:
    """An operation with a mark; 0 is none."""
    asked = Marked(operation)
    asked.mark = mark
    return asked


class Situation(NamedTuple):
    """What is shared, what each task has been told so far, what it runs, and who is gone."""

    objects: dict[ObjectId, Any]
    told: dict[TaskId, tuple[Result, ...]]
    scripts: dict[TaskId, Script]
    gone: frozenset[TaskId]


class Ending(NamedTuple):
    """What an interleaving came to, as far as any task or the judge can tell."""

    objects: tuple[tuple[ObjectId, Any], ...]
    told: tuple[tuple[TaskId, tuple[Result, ...]], ...]
    waiting: tuple[tuple[TaskId, Operation], ...]


class State:
    """A situation that the program can come to, and its successors; the same situation is the same object."""

    def __init__(self, oracle: "Oracle", now: Situation, ending: Ending) -> None:
        self._oracle = oracle
        self.now = now
        self.ending = ending
        self._next: dict[TaskId, tuple[Step, State]] | None = None

    @property
    def next(self) -> "dict[TaskId, tuple[Step, State]]":
        """For every task that can move its step and what it leads to."""
        if self._next is None:
            self._next = self._oracle.successors(self.now)
        return self._next

    def commute(self, a: TaskId, b: TaskId) -> bool:
        """Whether a then b, and b then a, can both be done here, give the same results and lead to the same state."""
        if a not in self.next or b not in self.next:
            return False
        (first_a, after_a), (first_b, after_b) = self.next[a], self.next[b]
        if b not in after_a.next or a not in after_b.next:
            return False
        (second_b, ab), (second_a, ba) = after_a.next[b], after_b.next[a]
        return ab is ba and first_a.result == second_a.result and first_b.result == second_b.result


class TooManyStatesError(Exception):
    """The program has more states than asked for."""


class Oracle:
    """All interleavings of scripts on given objects, numbered by the same `TaskTable` as the engine's tasks."""

    def __init__(
        self,
        objects: Mapping[ObjectId, Any],
        scripts: Sequence[Script],
        tasks: TaskTable | None = None,
        most_states: int = 100_000,
    ) -> None:
        self.tasks = tasks = tasks or TaskTable()
        self._most_states = most_states
        numbers = [tasks.top(place, f"P{place + 1}") for place in range(len(scripts))]
        processes = {process_object(task): ProcessState(JUDGE) for task in numbers}
        self._asked: dict[tuple[Script, tuple[Result, ...]], Asked] = {}
        self._states: dict[Ending, State] = {}
        told: dict[TaskId, tuple[Result, ...]] = dict.fromkeys(numbers, ())
        running = dict(zip(numbers, scripts))
        self.first = self._state(Situation({**objects, **processes}, told, running, frozenset()))

    def _state(self, now: Situation) -> State:
        waiting = self.pending(now)
        ending = Ending(
            tuple(sorted(now.objects.items())),
            tuple(sorted(now.told.items())),
            tuple(sorted(waiting.items())),
        )
        if ending not in self._states:
            if len(self._states) >= self._most_states:
                raise TooManyStatesError
            self._states[ending] = State(self, now, ending)
        return self._states[ending]

    def pending(self, now: Situation) -> dict[TaskId, Operation]:
        """What every task, and every feeder with something in its buffer, would do next."""
        found = {task: self._asks(now, task).operation for task in now.told if task not in now.gone}
        for target, state in now.objects.items():
            if type(state) is QueueState:
                for owner, _ in state.buffers:
                    feeder = self.tasks.feeder(owner, target)
                    found[feeder] = Operation(_KIND.QUEUE_FLUSH, target, number=owner)
        return found

    def _asks(self, now: Situation, task: TaskId) -> Asked:
        asked = self._asks_again(now.scripts[task], now.told[task])
        operation = asked.operation
        if operation.kind is _KIND.PROCESS_START:
            place = len(now.objects[process_object(task)].children) + 1
            child = self.tasks.child(task, place, operation.text)
            ends = handed_over(now.objects, task, operation)
            operation = msgspec.structs.replace(operation, object=process_object(child), targets=ends)
        elif operation.kind is _KIND.THREAD_START:
            thread = self.tasks.thread(task, started_by(now.objects, task) + 1, operation.text)
            operation = msgspec.structs.replace(operation, object=process_object(thread))
        elif operation.kind is _KIND.PROCESS_EXIT:
            process = process_of(now.objects, task)
            if process != task and operation.block:  # the script of a thread is at its end
                operation = msgspec.structs.replace(operation, kind=_KIND.THREAD_EXIT)
            target = task if operation.kind is _KIND.THREAD_EXIT else process
            operation = msgspec.structs.replace(operation, object=process_object(target))
        elif operation.kind is _KIND.THREAD_BEGIN:
            operation = msgspec.structs.replace(operation, object=process_object(task))
        return asked._replace(operation=operation)

    def _asks_again(self, script: Script, told: tuple[Result, ...]) -> Asked:
        asked = self._asked.get((script, told))
        if asked is None:
            asked = self._asked[script, told] = ask(script, told)
        return asked

    def successors(self, now: Situation) -> dict[TaskId, tuple[Step, State]]:
        """Every step that can be made, and what it leads to."""
        return {
            task: self._step(now, task, operation)
            for task, operation in sorted(self.pending(now).items())
            if self.may(now, task, operation)
        }

    def may(self, now: Situation, task: TaskId, operation: Operation) -> bool:
        """Whether a task can do what it waits to do."""
        return is_enabled(now.objects, task, operation)

    def _step(self, now: Situation, task: TaskId, operation: Operation) -> tuple[Step, State]:
        objects = dict(now.objects)
        step = perform(objects, task, operation)
        result = step.result or DONE
        if operation.kind is _KIND.QUEUE_FLUSH:
            return step, self._state(now._replace(objects=objects))
        told, scripts, gone = dict(now.told), now.scripts, now.gone
        told[task] = shortened(now.scripts[task], (*told[task], without_marks(result)))
        if operation.kind is _KIND.THREAD_EXIT:
            gone |= {task}
        gone |= {*ended_by(step)}
        if operation.kind is _KIND.REFERENT_CHANGE and step.touches:
            updates = self._asks_again(scripts[task], told[task]).updates
            state = objects[operation.object]
            objects[operation.object] = settled(state, updates[0].data if updates else state.data)
        elif operation.kind in _STARTS:
            child = task_of(operation.object)
            told[child] = ()
            scripts = {**scripts, child: self._asks(now, task).child or _nothing}
        return step, self._state(Situation(objects, told, scripts, gone))

    def states(self) -> list[State]:
        """Every state that the program can come to."""
        found = {id(self.first): self.first}
        left = [self.first]
        while left:
            for _, after in left.pop().next.values():
                if id(after) not in found:
                    found[id(after)] = after
                    left.append(after)
        return list(found.values())

    def endings(self) -> set[Ending]:
        """Everything the program can come to in the end."""
        return {state.ending for state in self.states() if not state.next}

    def hopeless(self) -> bool:
        """Whether there is a state from which the program, whatever it does, goes on for ever."""
        states = self.states()
        hopeful = {id(state) for state in states if not state.next}
        while True:
            more = {
                id(state)
                for state in states
                if id(state) not in hopeful and any(id(after) in hopeful for _, after in state.next.values())
            }
            if not more:
                return len(hopeful) < len(states)
            hopeful |= more

    def count_interleavings(self) -> int:
        """How many there are."""
        known: dict[int, int] = {}

        def count(state: State) -> int:
            if id(state) not in known:
                known[id(state)] = sum(count(after) for _, after in state.next.values()) or 1
            return known[id(state)]

        return count(self.first)

    def interleavings(self) -> list[tuple[Step, ...]]:
        """Every maximal sequence of steps."""
        return self.sequences(lambda made, step: True)

    def normal_forms(self) -> list[tuple[Step, ...]]:
        """The least interleaving of each class of equivalent ones under `depends`."""
        return self.sequences(lambda made, step: not _could_stand_earlier(made, step))

    def sequences(self, accept: Callable[[tuple[Step, ...], Step], bool]) -> list[tuple[Step, ...]]:
        found: list[tuple[Step, ...]] = []
        stack: list[tuple[tuple[Step, ...], State]] = [((), self.first)]
        while stack:
            made, state = stack.pop()
            if not state.next:
                found.append(made)
            stack.extend(((*made, step), after) for step, after in state.next.values() if accept(made, step))
        return found


def classes_by_swapping(oracle: Oracle, independent: Independence) -> int:
    """How many classes are left when neighbours that are `independent` in their state may be swapped."""
    interleavings = oracle.interleavings()
    number = {tuple(step.task for step in steps): k for k, steps in enumerate(interleavings)}
    leader = list(range(len(interleavings)))

    def find(k: int) -> int:
        while leader[k] != k:
            leader[k] = leader[leader[k]]
            k = leader[k]
        return k

    for schedule, k in number.items():
        steps, state = interleavings[k], oracle.first
        for i, (a, b) in enumerate(pairwise(steps)):
            if a.task < b.task and independent(state, a, b):
                swapped = (*schedule[:i], b.task, a.task, *schedule[i + 2 :])
                leader[find(k)] = find(number[swapped])
            state = state.next[a.task][1]
    return sum(1 for k, above in enumerate(leader) if k == above)


def by_dependence(state: State, a: Step, b: Step) -> bool:
    """Independence as the engine judges it."""
    return not in_order(a, b)


def by_meaning(state: State, a: Step, b: Step) -> bool:
    """Independence as it is: both orders are possible and make no difference."""
    return state.commute(a.task, b.task)


def misjudged(oracle: Oracle) -> list[tuple[Step, Step]]:
    """Pairs of steps on which `depends` is wrong or contradicts itself.

    They are possible in one state, or one right after the other. Wrong is only to say
    that steps commute which do not. All states are looked at, and all pairs of steps there.
    """
    found: list[tuple[Step, Step]] = []
    for state in oracle.states():
        for a, after in state.next.values():
            found.extend(
                (a, b) for b, _ in after.next.values() if not in_order(a, b) and not _agree(state, a, b)
            )
            found.extend(
                (a, b)
                for b, _ in state.next.values()
                if a.task < b.task and not in_order(a, b) and not _agree(state, a, b)
            )
    return found


def _agree(state: State, a: Step, b: Step) -> bool:
    """Whether steps that `depends` calls independent commute, and are called so in every arrangement."""
    if not state.commute(a.task, b.task):
        return False
    b_after = state.next[a.task][1].next[b.task][0]
    a_after = state.next[b.task][1].next[a.task][0]
    return not (in_order(a, b_after) or in_order(b, a_after) or in_order(b_after, a_after) or in_order(b, a))


def in_order(a: Step, b: Step) -> bool:
    """Whether b, right behind a, must stay there: of one task, started by it, or dependent."""
    starts = a.operation.kind in _STARTS and task_of(a.operation.object) == b.task
    return a.task == b.task or starts or depends(a, b)


def _could_stand_earlier(made: Sequence[Step], step: Step) -> bool:
    for earlier in reversed(made):
        if in_order(earlier, step):
            return False
        if step.task < earlier.task:
            return True
    return False


def without_marks(result: Result) -> Result:
    """What the task itself is told."""
    return msgspec.structs.replace(result, marks=()) if result.marks else result


def ending_of(execution: Execution, scripts: Mapping[TaskId, Script] | None = None) -> Ending:
    """What an execution of the engine came to, in the oracle's words. Polling `scripts` have their rounds taken out."""
    scripts = scripts or {}
    told: dict[TaskId, tuple[Result, ...]] = {
        task_of(target): ()
        for target, state in execution.objects.items()
        if type(state) in (ProcessState, ThreadState)
    }
    for step in execution.trace:
        if step.operation.kind is not _KIND.QUEUE_FLUSH and step.result is not None:
            told[step.task] = (*told[step.task], without_marks(step.result))
            if step.task in scripts:
                told[step.task] = shortened(scripts[step.task], told[step.task])
    return Ending(
        tuple(sorted(execution.objects.items())),
        tuple(sorted(told.items())),
        tuple(sorted(execution.pending.items())),
    )


def shortened(script: Script, told: tuple[Result, ...]) -> tuple[Result, ...]:
    """The shortest part of a history that leads to the same operation with the same mark: to the same local state."""
    asked = ask(script, told)
    if not _mark(asked):
        return told
    same = (told[:length] for length in range(len(told)) if ask(script, told[:length]) == asked)
    return next((shorter for shorter in same if _mark(ask(script, shorter)) == _mark(asked)), told)


def _mark(asked: Asked) -> int:
    return asked.mark if isinstance(asked, Marked) else 0


def ask(script: Script, told: tuple[Result, ...]) -> Asked:
    generator = script()
    try:
        said = next(generator)
        for result in told:
            said = generator.send(result)
    except StopIteration:
        said = Operation(_KIND.PROCESS_EXIT)
    return said if isinstance(said, Asked) else Asked(said)


def _nothing() -> Generator[Operation, Result, None]:
    yield from ()
