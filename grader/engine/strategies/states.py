"""A search through states in place of orders, for programs with far too many orders. Start at `States.begin`.

A state is what the shared objects hold and the moment that each task has come to; no state is gone through twice, and
who did what before a task ended is forgotten. So eight processes with a lock around a counter have 5,376 states, and
40,320 orders. What a task does next is known from executions: a step that nobody has seen yet is executed for real, as
is every new end, which is then judged like any other execution.

At each state only a *persistent set* of tasks is tried (Godefroid: Partial-Order Methods for the Verification of
Concurrent Systems, LNCS 1032, 1996): one that no other task can ever interfere with, as far as is known of what they
may still do (`grader.engine.futures`). As more is known, it is gone through again, until nothing new comes up.

Of identical processes only those states are gone through that differ by more than their names. Whether processes are
identical is taken from what they were seen to do. So this finds mistakes, and claims nothing where it finds none.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from grader.core.execution import Execution
from grader.core.operations import (
    ObjectId,
    Operation,
    OperationKind,
    Step,
    TaskId,
    creator_of,
    process_object,
    task_of,
)
from grader.engine.essence import essence
from grader.engine.futures import Futures, Next, NodeId
from grader.engine.machine import Machine, World
from grader.engine.steps import touches_of
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.bursts import can_move
from grader.engine.tasks import TaskTable
from grader.engine.waits import Bounds, Waiting
from grader.primitives.lock import LockState
from grader.primitives.process import ProcessState

_KIND = OperationKind
_NOT_FOLLOWED = (_KIND.THREAD_START, _KIND.REFERENT_CHANGE, _KIND.MANAGER_CREATE)
"""What makes a program one whose states are not all known to the judge."""
MOST_STATES = 2_500
MOST_PASSES = 12
MOST_EXECUTIONS = 80
"""Each shows what comes of a step that nobody knew, or is an end. Programs that poll have a great many of the first."""


class _Frame:
    """A state on the present way, and the tasks that are yet to be tried there."""

    __slots__ = ("asked", "todo", "world")

    def __init__(self, world: World, todo: list[TaskId]) -> None:
        self.world = world
        self.todo = todo
        self.asked: set[TaskId] = set()
        """Tasks whose next step was executed because nobody knew what comes of it."""


class States(Strategy):
    """Goes through states, and executes what leads to something new; at most `states` of them.

    If `names_matter`, no two processes count as identical.
    """

    only_looks_for_mistakes = True

    def __init__(
        self, states: int = MOST_STATES, bounds: Bounds | None = None, *, names_matter: bool = False
    ) -> None:
        self._most = states
        self._names_matter = names_matter
        self.bounds = bounds or Bounds()
        self.states = self._passes = self._executions = 0
        self._known: dict[NodeId, Next] = {}
        self._futures = Futures()
        self._tasks: TaskTable | None = None
        self._initial: World | None = None
        self._frames: list[_Frame] = []
        self._path: list[TaskId] = []
        self._seen: set[Hashable] = set()
        self._judged: set[Hashable] = set()
        self._schedule: Sequence[TaskId] = ()
        self._last: Step | None = None
        self._born: set[int] = set()
        self._new = False
        """Whether anything has come up in this pass that was not known before."""
        self._given_up = False
        self._essences: dict[int, tuple[Any, int]] = {}
        self._like: dict[TaskId, Hashable] = {}
        """For each task what it is identical with, as far as is known."""

    def begin(self) -> bool:
        self._last, self._born = None, set()
        self._executions += 1
        if self._executions > MOST_EXECUTIONS:
            return False
        if self._initial is None:
            self._schedule = ()
            return not self._given_up
        if self._given_up:
            return False
        schedule = self._next_schedule()
        self._schedule = schedule or ()
        return schedule is not None

    def insists(self, choice: Choice) -> TaskId | None:
        machine = choice.machine
        self._tasks = machine.tasks
        if choice.position == 0 and self._initial is None:
            self._see_beginning(machine.snapshot())
        self._learn(machine.pending, machine.births, machine.waiting_of)
        if choice.position >= len(self._schedule):
            return None
        task = self._schedule[choice.position]
        if can_move(machine, task):
            return task
        self._given_up = True  # it does not do again what it did: not for us to judge
        self._schedule = ()
        return None

    def choose(self, choice: Choice) -> TaskId | None:
        return choice.keep_going(choice.candidates)

    def executed(self, step: Step) -> None:
        self._last = step
        if step.operation.kind in _NOT_FOLLOWED:
            self._given_up = True

    def finished(self, execution: Execution, world: World) -> None:
        self._learn(world.pending, {}, world.waiting.__getitem__)

    def _see_beginning(self, world: World) -> None:
        self._initial = world
        for task in world.pending:
            self._see(world, task, ())
            self._like[task] = task if self._names_matter else ("top", _first(world, task))

    def _learn(
        self,
        pending: Mapping[TaskId, Operation],
        births: Mapping[ObjectId, Any],
        waiting_of: Callable[[TaskId], Waiting],
    ) -> None:
        """Note what has come after the last step."""
        step, self._last = self._last, None
        if step is None or self._given_up:
            return
        fresh = [target for target in births if target not in self._born]
        self._born.update(fresh)
        if step.operation.kind is _KIND.QUEUE_FLUSH:
            return
        digest = waiting_of(step.task).digest
        for task in _moved_by(step):
            node = task, digest
            if node in self._known:
                continue
            made = tuple((target, births[target]) for target in fresh if creator_of(target) == task)
            self._known[node] = Next(pending.get(task), waiting_of(task), made)
            self._new = True

    def _see(self, world: World, task: TaskId, before: Sequence[NodeId]) -> None:
        """Note what a task may do at a moment."""
        operation = world.pending.get(task)
        if operation is None:
            return
        numbers = [self._number(world, task)]
        if operation.kind is _KIND.QUEUE_PUT:
            flush = Operation(_KIND.QUEUE_FLUSH, operation.object, number=task)
            numbers.append(self._futures.number(task, flush, (operation.object,)))
        if self._futures.see(self._at(world, task), numbers, before):
            self._new = True

    def _number(self, world: World, task: TaskId) -> int:
        operation = world.pending[task]
        return self._futures.number(task, operation, touches_of(world.objects, task, operation))

    def _at(self, world: World, task: TaskId) -> NodeId:
        """The moment that a task has come to; that of a feeder is always the same."""
        waiting = world.waiting.get(task)
        return task, waiting.digest if waiting is not None else 0

    def _next_schedule(self) -> list[TaskId] | None:
        """The way to something new: a step whose outcome is not known, or an end. None if there is nothing left."""
        if not self._frames and not self._begin_pass():
            return None
        while True:
            while self._frames:
                found = self._step()
                if found is not None:
                    return found
                if self.states >= self._most or self._given_up:
                    return None
            if not self._begin_pass():
                return None

    def _begin_pass(self) -> bool:
        if self._passes >= MOST_PASSES or (self._passes and not self._new):
            return False
        self._passes += 1
        self._new = False
        self._seen.clear()
        self._path.clear()
        assert self._initial is not None
        self._frames = [_Frame(self._initial, self._worth_trying(self._initial))]
        return True

    def _step(self) -> list[TaskId] | None:
        """One step of the search; a schedule, if it leads to something new."""
        frame = self._frames[-1]
        if not frame.todo:
            self._frames.pop()
            if self._path:
                self._path.pop()
            return None
        task = frame.todo.pop()
        world = self._after(frame.world, task)
        if world is None:
            if task in frame.asked:
                return None
            frame.asked.add(task)
            frame.todo.append(task)
            return [*self._path, task]
        key = self._key(world)
        if key in self._seen:
            return None
        self._seen.add(key)
        self.states += 1
        todo = self._worth_trying(world)
        self._path.append(task)
        self._frames.append(_Frame(world, todo))
        if todo or key in self._judged:
            return None
        self._judged.add(key)
        return list(self._path)

    def _after(self, world: World, task: TaskId) -> World | None:
        """The state after a step of a task; None if nobody knows what the task does then."""
        assert self._tasks is not None
        operation = world.pending[task]
        machine = Machine.at(world, self._tasks, self.bounds)
        step = machine.execute(task)
        moved = [] if operation.kind in (_KIND.QUEUE_FLUSH, _KIND.PROCESS_EXIT) else _moved_by(step)
        digest = machine.waiting_of(task).digest
        before = self._at(world, task)
        for mover in moved:
            known = self._known.get((mover, digest))
            if known is None:
                return None
            machine.objects.update(known.births)
            machine.takes(mover, known.operation, known.waiting)
        after = machine.snapshot()
        for mover in moved:
            self._see(after, mover, [before])
            if mover != task and mover not in self._like:
                self._like[mover] = mover if self._names_matter else (task, _first(after, mover))
        return after

    def _worth_trying(self, world: World) -> list[TaskId]:
        """The tasks of the smallest persistent set that is found, the last one first."""
        able = [task for task in sorted(world.pending) if world.can_go(task)]
        if len(able) <= 1:
            return able
        best: list[TaskId] = able
        for seed in able:
            tasks = self._closed(world, seed, len(best), able)
            if tasks is not None and len(tasks) < len(best):
                best = tasks
                if len(best) == 1:
                    break
        return best

    def _closed(self, world: World, seed: TaskId, most: int, able: Sequence[TaskId]) -> list[TaskId] | None:
        """The able ones among the tasks that may interfere with `seed`, and with those; None if they are not fewer."""
        inside, stack = {seed}, [seed]
        while stack:
            number = self._number(world, stack.pop())
            for other in world.pending:
                if other in inside:
                    continue
                now = self._futures.dependent(number, self._number(world, other))
                if now or self._futures.may_meet(self._at(world, other), number):
                    inside.add(other)
                    stack.append(other)
                    if sum(task in inside for task in able) >= most:
                        return None
        return [task for task in able if task in inside]

    def _key(self, world: World) -> Hashable:
        """What two states have in common that go on in the same way, but for the names of identical tasks."""
        held: dict[TaskId, list[int]] = {}
        for target, state in world.objects.items():
            if type(state) is LockState:
                for holder in state.holders:
                    held.setdefault(holder, []).append(target)
        members: dict[Hashable, list[int]] = {}
        for task, like in self._like.items():
            process = world.objects.get(process_object(task))
            if type(process) is ProcessState:
                member = self._member(world, task, process, tuple(held.get(task, ())))
                members.setdefault(like, []).append(member)
        objects = frozenset(
            (target, self._essence(state))
            for target, state in world.objects.items()
            if target >= 0 or task_of(target) not in self._like
        )
        return hash((objects, frozenset((like, tuple(sorted(kept))) for like, kept in members.items())))

    def _member(self, world: World, task: TaskId, process: ProcessState, held: tuple[int, ...]) -> int:
        """What a task is in a state, without its name."""
        ended = process.alive, process.exit_code, process.killed, len(process.children), process.returned
        if task not in world.pending:
            return hash((ended, held))
        node = self._at(world, task)
        return hash((node[1], self._futures.behind(node), ended, held, world.can_go(task)))

    def _essence(self, state: Any) -> int:
        """The hash of a state, without the names of tasks that are told otherwise. States never change."""
        known = self._essences.get(id(state))
        if known is None:
            known = self._essences[id(state)] = state, hash(self._without(state))
        return known[1]

    def _without(self, state: Any) -> Hashable:
        if type(state) is not LockState:
            return essence(state)
        others = tuple(task for task in state.holders if task not in self._like)
        return state.flavour, state.value, state.depth, others


def _moved_by(step: Step) -> list[TaskId]:
    """The tasks that announce something after a step: its own, and the child that it has started."""
    if step.operation.kind is _KIND.PROCESS_START and step.result is not None and step.result.ok:
        return [step.task, task_of(step.operation.object)]
    return [step.task]


def _first(world: World, task: TaskId) -> Hashable:
    """What a task does first, as that of identical ones is the same."""
    operation = world.pending.get(task)
    waiting = world.waiting.get(task)
    return (operation, waiting.place) if operation is not None and waiting is not None else None
