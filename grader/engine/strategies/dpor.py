"""Optimal dynamic partial order reduction: one execution for each class of equivalent interleavings.

The algorithm is Algorithm 2 of Abdulla, Aronis, Jonsson, Sagonas: Optimal Dynamic Partial Order Reduction (POPL 2014;
extended in J. ACM 64(4), 2017). Start at `Dpor.finished`: after each maximal execution E, every *race* (i, j) in it,
two dependent steps of different tasks that could have come the other way round, is turned into a sequence that tries
it at the state before i: the steps after i that do not happen after it, and then j.

Departures, and why:

* A step's dependences are judged with its result, so that an acquire that gave up does not depend on another that
  gave up, or a put on a get that did not make its place.
* Whether j can come before i is not decided by a rule for each primitive but by trying: states are immutable, so the
  sequence is simulated from the snapshot before i. That covers locks (acquire against acquire races, though a release
  lies between) and whatever else blocks.
* Tasks that are blocked for ever when an execution ends race as well, with the operation they wait to do.
* So does what a task was about to do when it was killed, or a feeder when its process left without waiting for it.
* A look that the bound on waits holds back (`grader.engine.waits`) is a blocking operation. Whether it is held back
  depends on its task's own history, and on what it would see, so on nothing that it is not dependent on anyway.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import ObjectId, Operation, OperationKind, Step, TaskId
from grader.engine.machine import Machine, World
from grader.engine.steps import fits, is_enabled, perform, touches_of
from grader.engine.strategies.base import Choice, Diverged, Strategy
from grader.engine.strategies.order import HappensBefore
from grader.engine.strategies.wakeup import Branch, WakeupTree, may_start
from grader.engine.turns import TURNS, Turns
from grader.engine.waits import Bounds, Waiting
from grader.primitives.base import Objects
from grader.primitives.registry import depends

_ENDS = (OperationKind.PROCESS_KILL, OperationKind.PROCESS_EXIT)
"""Steps that make operations of others vanish: those of the victim, or of the feeders that are left without work."""

_CUT_OFF = (OutcomeKind.HUNG, OutcomeKind.SILENT, OutcomeKind.CRASHED, OutcomeKind.UNCONTROLLED)
"""Outcomes of an execution in which others could have gone on."""

LONGEST_ANALYSED = 3_000
"""Races in a longer execution are not looked for (their number grows with the square of the length)."""


class _Node:
    """A state of the current execution: what was chosen there, what needs no trying, what has yet to be tried."""

    __slots__ = ("chosen", "done", "sleep", "step", "tree", "world")

    def __init__(self, world: World, sleep: dict[TaskId, Step], tree: WakeupTree) -> None:
        self.world = world
        self.sleep = sleep
        self.tree = tree
        self.chosen: TaskId = -1
        self.done = 0
        """Branches that were explored to their ends."""
        self.step: Step | None = None


class Dpor(Strategy):
    """Explores until no wakeup tree holds anything more; then every class of interleavings was executed."""

    exhaustive = systematic = True

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.on_held_back: Callable[[Waiting, Sequence[TaskId], Objects], None] | None = None
        """Is told of a look that only the bound keeps from being made, a schedule that leads there, and the state."""
        self._stack: list[_Node] = []
        self._order = HappensBefore()
        self._started = False
        self._made = 0
        self._births: dict[ObjectId, Any] = {}
        self._last: World | None = None
        self._fresh = 0
        """Steps before this one were made in an earlier execution, and are known."""

    @property
    def depth(self) -> int:
        """The number of steps that the present execution repeats before it does something new."""
        return len(self._stack)

    def begin(self) -> bool:
        self._made = 0
        if not self._started:
            self._started = True
            return True
        while self._stack:
            node = self._stack[-1]
            if node.step is not None:
                node.sleep[node.chosen] = node.step
                node.done += 1
            # Even without a step, if the execution has diverged before it came here: not to be tried for ever.
            node.tree.branches = [b for b in node.tree.branches if b.step.task != node.chosen]
            if node.tree.branches:
                node.chosen, node.step = node.tree.branches[0].step.task, None
                self._fresh = len(self._stack) - 1
                self._order.cut(self._fresh)
                return True
            self._stack.pop()
        return False

    def choose(self, choice: Choice) -> TaskId | None:
        machine = choice.machine
        self._births = machine.births
        if choice.position < len(self._stack):
            node = self._stack[choice.position]
            self._check_same(node, machine.pending, choice.position)
            return node.chosen
        node = self._new_node(machine.snapshot())
        if node.tree.branches and choice.machine.tasks.has_threads and not _possible(node, machine):
            node.tree.branches.clear()  # what threads do next may depend on what only they can see
            self.exhaustive = False
        if node.tree.branches:
            node.chosen = node.tree.branches[0].step.task
        else:
            awake = [task for task in choice.candidates if task not in node.sleep]
            if not awake:
                return None
            node.chosen = choice.keep_going(awake)
        if node.tree.branches and not _possible(node, machine):
            raise Diverged(f"step {choice.position + 1} cannot be made again")
        self._stack.append(node)
        return node.chosen

    def _check_same(self, node: _Node, pending: dict[TaskId, Operation], index: int) -> None:
        expected = node.world.pending
        if pending == expected:
            return
        for task in {*pending, *expected}:
            if pending.get(task) != expected.get(task):
                raise Diverged(f"step {index + 1}: {_describe(expected.get(task), pending.get(task))}")

    def _new_node(self, world: World) -> _Node:
        if not self._stack:
            turns: Turns | None = world.objects.get(TURNS)
            self._order.behind.update(turns.behind if turns is not None else {})
            return _Node(world, {}, WakeupTree())
        above = self._stack[-1]
        assert above.step is not None
        made = above.step
        sleep = {task: step for task, step in above.sleep.items() if not depends(step, made)}
        below = next((b.children for b in above.tree.branches if b.step.task == above.chosen), [])
        return _Node(world, sleep, WakeupTree(list(below)))

    def executed(self, step: Step) -> None:
        number, self._made = self._made, self._made + 1
        node = self._stack[number]
        if number < self._fresh:
            return
        node.step = step
        if number < LONGEST_ANALYSED:
            self._order.add(step)
        if not any(branch.step.task == step.task for branch in node.tree.branches):
            node.tree.branches.insert(0, Branch(step))

    def finished(self, execution: Execution, world: World) -> None:
        not_analysed = (OutcomeKind.STEP_LIMIT, OutcomeKind.DIVERGED)
        if execution.outcome.kind in not_analysed or self._made > LONGEST_ANALYSED:
            self.exhaustive = False
            return
        self._last = world
        # Races of earlier executions as well: what is planned for one holds all that does not happen after its first
        # step, so the part of the trace that is new this time may ask for another sequence.
        for number, step in enumerate(self._order.trace):
            self._reverse_races(number, step, self._order.own_past[number])
        for task, operation in world.pending.items():
            if not world.can_go(task):
                step = Step(task, operation, None, touches_of(world.objects, task, operation))
                self._reverse_races(len(self._order.trace), step, self._order.known_to(task, operation))
        for number, step in enumerate(self._order.trace):
            if step.operation.kind in _ENDS:
                self._reverse_end(number)
        if execution.outcome.kind in _CUT_OFF and self._stack:
            self._try_others_first(self._stack[-1])

    def estimate(self) -> float:
        """The part of the exploration that is done after the last execution, if all branches of a node are alike.

        The weighted backtrack estimator: a branch weighs as much as the others of its node, which share what their
        node weighs (Knuth: Estimating the efficiency of backtrack programs, Mathematics of Computation 29, 1975;
        for an unfinished depth-first search Kilby, Slaney, Thiebaux, Walsh: Estimating search tree size, AAAI 2006).
        Branches are known only once the race was met that asks for them, so it mostly comes out too high, and what is
        left is more than it says.
        """
        weight, done = 1.0, 0.0
        for node in self._stack:
            known = node.done + max(len(node.tree.branches), 1)
            weight /= known
            done += weight * node.done
        return min(done + weight, 1.0)

    def _try_others_first(self, node: _Node) -> None:
        """The last step cut the execution off: try whatever else could be done there, to see what comes then."""
        for task, operation in node.world.pending.items():
            known = task in node.sleep or any(branch.step.task == task for branch in node.tree.branches)
            if not known and node.world.can_go(task):
                made = perform(dict(node.world.objects), task, operation)
                node.tree.branches.append(Branch(made))

    def _world_after(self, number: int) -> World:
        assert self._last is not None
        return self._stack[number + 1].world if number + 1 < len(self._stack) else self._last

    def _reverse_end(self, number: int) -> None:
        """Plan what a task, or a feeder, would have done had step `number` not ended it before."""
        before, after = self._stack[number].world, self._world_after(number)
        for task, operation in before.pending.items():
            if task not in after.pending and task != self._order.trace[number].task:
                step = Step(task, operation, None, touches_of(before.objects, task, operation))
                self._reverse_races(
                    len(self._order.trace), step, self._order.known_to(task, operation), number
                )

    def _reverse_races(self, number: int, step: Step, known: int, end: int | None = None) -> None:
        """Plan, for every step that races with `step`, the other way round.

        `end` is the step that ended the task of `step`, which therefore can only come before it.
        """
        reversible = 0
        for earlier in self._racing(number, step, end):
            other = self._order.trace[earlier]
            if other.task == step.task or known >> earlier & 1:
                continue
            if not depends(other, step) or self._lies_before(earlier, reversible):
                continue
            left_out = 1 << earlier if end is None else 1 << earlier | 1 << end
            sequence = self._sequence(left_out, number, step, known)
            if sequence is None or (step.result is None and not depends(other, sequence[-1])):
                continue
            reversible |= 1 << earlier
            node = self._stack[_lowest(left_out)]
            if not any(may_start(asleep, sequence) for asleep in node.sleep.values()):
                node.tree.insert(sequence)

    def _racing(self, number: int, step: Step, end: int | None) -> list[int]:
        found = [earlier for earlier in self._order.candidates(step) if earlier < number]
        return found if end is None or end in found else sorted([*found, end], reverse=True)

    def _lies_before(self, earlier: int, later: int) -> bool:
        """Whether the step happens before one of those in the mask: then it is that one to reverse first."""
        return any(self._order.past[k] >> earlier & 1 for k in _bits(later))

    def _sequence(self, left_out: int, number: int, step: Step, known: int) -> list[Step] | None:
        """What does not happen after a step `left_out`, from the first of those on, and then `step`.

        Where that disables `step`, as little of it from its end as is needed is left out as well, but nothing that
        `step` comes after in its own task. None if `step` cannot be made then, either.
        """
        world = self._stack[_lowest(left_out)].world
        needed, others = self._unaffected(left_out, number, known)
        sequence: list[Step] = []
        # What its task has done before the step is known, so the same rounds are as often made as in the trace.
        waiting = self._waiting_at(number, step)
        rehearsal = _Rehearsal(world, self._births, step, waiting)
        for k in (*needed, *others):
            made = rehearsal.make(self._order.trace[k], self._world_after(k))
            if made is None:
                return None
            sequence.append(made)
        if rehearsal.possible():
            return [*sequence, rehearsal.goal()]
        if rehearsal.held_back and waiting is not None and self.on_held_back is not None:
            before = [node.chosen for node in self._stack[: _lowest(left_out)]]
            self.on_held_back(waiting, [*before, *(made.task for made in sequence)], rehearsal.objects)
        return self._cut_short(_Rehearsal(world, self._births, step, waiting), sequence, needed, others)

    def _waiting_at(self, number: int, step: Step) -> Waiting | None:
        """What the task of a step, one of the trace or one that was still to come, had done before it."""
        world = self._stack[number].world if number < len(self._stack) else self._last
        assert world is not None
        return world.waiting.get(step.task)

    def _cut_short(
        self, rehearsal: "_Rehearsal", sequence: list[Step], needed: list[int], others: list[int]
    ) -> list[Step] | None:
        for k in needed:
            rehearsal.make(self._order.trace[k], self._world_after(k))
        longest: list[Step] | None = None
        for length, k in enumerate(others, start=len(needed)):
            if rehearsal.possible():
                longest = [*sequence[:length], rehearsal.goal()]
            rehearsal.make(self._order.trace[k], self._world_after(k))
        return longest

    def _unaffected(self, left_out: int, number: int, known: int) -> tuple[list[int], list[int]]:
        """The steps behind the first one `left_out` that do not happen after any of those: `known` ones, others."""
        past = self._order.past
        found = [
            k
            for k in range(_lowest(left_out) + 1, len(past))
            if k != number and not left_out >> k & 1 and not past[k] & left_out
        ]
        return [k for k in found if known >> k & 1], [k for k in found if not known >> k & 1]


class _Rehearsal:
    """Steps of a trace tried from an earlier state, to see whether some task could make its step, the goal, then."""

    def __init__(
        self, world: World, births: Mapping[ObjectId, Any], step: Step, waiting: Waiting | None
    ) -> None:
        self.objects = {**births, **world.objects}
        self._step = step
        self._waiting = waiting
        self.held_back = False
        """Whether it was only the bound on waits that kept the goal from being possible."""

    def make(self, step: Step, after: World) -> Step | None:
        """Make a step, which in the trace led to `after`; None if that is not possible.

        What a call makes of the content that it had in the trace is known, too; of any other, only the task knows it.
        """
        task, operation = step.task, step.operation
        if not fits(self.objects, task, operation) or not is_enabled(self.objects, task, operation):
            return None
        made = perform(self.objects, task, operation)
        if operation.kind is OperationKind.REFERENT_CHANGE and made.result == step.result and made.touches:
            self.objects[operation.object] = after.objects[operation.object]
        return made

    def possible(self) -> bool:
        """Whether the goal can be made now. A task that the bound on waits holds back is not asked to look again."""
        waiting, operation = self._waiting, self._step.operation
        if not fits(self.objects, self._step.task, operation):
            return False
        self.held_back = waiting is not None and waiting.holds_back(self.objects, operation)
        return not self.held_back and is_enabled(self.objects, self._step.task, operation)

    def goal(self) -> Step:
        """The goal, made now; what was made before stays as it is."""
        return perform(dict(self.objects), self._step.task, self._step.operation)


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _describe(expected: Operation | None, got: Operation | None) -> str:
    names = [
        f"{operation.kind.value} in line {operation.line}" if operation is not None else "nothing"
        for operation in (expected, got)
    ]
    return f"{names[0]} before, {names[1]} now"


def _possible(node: _Node, machine: Machine) -> bool:
    """Whether the task that is planned to go next can go."""
    task = node.tree.branches[0].step.task
    return task in machine.pending and is_enabled(machine.objects, task, machine.pending[task])
