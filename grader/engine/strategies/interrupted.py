"""Executions in which a task is interrupted once or twice, right after it has used an object that others use too.

For programs that have far too many schedules: a lost update needs no more than that, but a search that sees a corner
of them, or picks points at random, may never interrupt a task there. Start at `Interrupted`. Each execution goes as it
would have gone up to the interruption, so nothing that the program does before, between or behind hides an access. The
objects that the judge made count; where there are none, those that several tasks use, and then each pair of spots in
the source is enough: such objects are of the program's own choice, and so is how often it uses them.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import JUDGE, ObjectId, OperationKind, Step, TaskId, creator_of, task_of
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.bursts import Led
from grader.engine.tasks import TaskTable
from grader.engine.waits import Bounds

Spot: TypeAlias = tuple[int, str]
"""A line of the program and what is done there."""


MORE = 60
"""Executions beyond what has to be tried, where the program's own objects count."""


_JOINS = (OperationKind.PROCESS_JOIN, OperationKind.PROCESS_WAIT, OperationKind.THREAD_JOIN)


class Use(NamedTuple):
    """A step that uses a shared object, and the spot of the same task's next use of that object."""

    number: int
    task: TaskId
    target: ObjectId
    spots: tuple[Spot, Spot]


class Plan(NamedTuple):
    """An execution to be made: a schedule, and the tasks that go on as far as they can after it, one by one."""

    schedule: tuple[TaskId, ...]
    tasks: tuple[TaskId, ...]
    spots: tuple[tuple[Spot, Spot], ...] = ()


class _Switching(Led):
    """One planned execution."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.schedule, Bounds())
        self.plan = plan
        self._left = deque(plan.tasks)

    def choose(self, choice: Choice) -> TaskId | None:
        owner = choice.machine.tasks.owner
        while self._left:
            mine = [task for task in choice.candidates if owner(task) == self._left[0]]
            if mine:
                return choice.keep_going(mine)
            self._left.popleft()
        return super().choose(choice)


class Interrupted(Strategy):
    """One execution as it goes by itself; then every use interrupted by every other task, once and twice.

    At most `executions` are made, or, if `each_spot_once`, as many as there are different pairs of spots.
    """

    def __init__(self, executions: int, *, each_spot_once: bool = False) -> None:
        self._left = executions
        self._each_spot_once = each_spot_once
        self._tasks: TaskTable | None = None
        self._current: _Switching | None = None
        self._plans: deque[Plan] = deque()
        self._twice: dict[object, Plan] = {}
        self._started = False
        self._spots = 0
        """How many interruptions it takes to have one for each pair of spots and each task that comes in between."""
        self._once_made = 0
        self._enough = self._was_cut = False

    @property
    def complete(self) -> bool:
        """Whether nothing that has to be tried was left out for want of executions, or of steps."""
        if self._was_cut:
            return False
        if self._enough:
            return self._once_made >= self._spots
        return self._started and not self._plans and not self._twice

    def begin(self) -> bool:
        if self._enough and self._once_made >= self._spots + MORE:
            return False
        if not self._plans and self._twice and not self._each_spot_once:
            self._plans.extend(self._twice.values())
            self._twice.clear()
        if (self._started and not self._plans) or self._left <= 0:
            return False
        self._left -= 1
        self._current = _Switching(self._plans.popleft() if self._started else Plan((), ()))
        return self._current.begin()

    def insists(self, choice: Choice) -> TaskId | None:
        self._tasks = choice.machine.tasks
        return self._current.insists(choice) if self._current is not None else None

    def choose(self, choice: Choice) -> TaskId | None:
        return self._current.choose(choice) if self._current is not None else None

    def finished(self, execution: Execution, world: World) -> None:
        if self._tasks is None or self._current is None:
            return
        plan = self._current.plan
        self._once_made += self._started
        if not self._started:
            self._started = True
            self._was_cut = execution.outcome.kind is OutcomeKind.STEP_LIMIT
            plans, self._spots = _once(execution, self._tasks, each_spot_once=self._each_spot_once)
            self._plans.extend(plans)
            self._enough = not any(creator_of(use.target) == JUDGE for use in uses(execution))
        elif len(plan.spots) == 1:
            for again in _twice(plan, execution, self._tasks):
                # One for each pair of spots, and for each part in it; others of a kind show the same again.
                self._twice.setdefault((again.spots, again.tasks[0] == plan.tasks[1]), again)


def uses(execution: Execution) -> list[Use]:
    """Every use of an object that counts, after which the same task uses the object again, in the trace's order."""
    counting = _counting(execution)
    found: list[Use] = []
    latest: dict[tuple[TaskId, ObjectId], tuple[int, Spot]] = {}
    for number, step in enumerate(execution.trace):
        for target in counting.intersection(step.touches):
            before = latest.get((step.task, target))
            if before is not None:
                found.append(Use(before[0], step.task, target, (before[1], _spot(step))))
            latest[step.task, target] = number, _spot(step)
    return sorted(found)


def _counting(execution: Execution) -> frozenset[ObjectId]:
    """The objects that several tasks use: the judge's own, if there are any."""
    users: dict[ObjectId, set[TaskId]] = {}
    for step in execution.trace:
        for target in step.touches:
            if target >= 0:
                users.setdefault(target, set()).add(step.task)
    shared = {target for target, tasks in users.items() if len(tasks) > 1}
    own = {target for target in shared if creator_of(target) == JUDGE}
    return frozenset(own or shared)


def _spot(step: Step) -> Spot:
    return step.operation.line, step.operation.kind.value


def _once(execution: Execution, tasks: TaskTable, *, each_spot_once: bool) -> tuple[list[Plan], int]:
    """Every use interrupted by every other task that uses the object: the rarest spots first, the last uses first.

    And how many of these come to one for each pair of spots and each other task.
    """
    found = uses(execution)
    rarity = Counter(use.spots for use in found)
    last = _last_uses(execution, tasks)
    plans: list[tuple[int, int, int, Plan]] = []
    rank: Counter[tuple[tuple[Spot, Spot], TaskId]] = Counter()
    for use in reversed(found):
        for other in _still_to_come(last, use, tasks):
            if each_spot_once and _waits_for(other, use, execution, tasks):
                continue
            kind = (use.spots, JUDGE if each_spot_once else other)
            rank[kind] += 1
            if not each_spot_once or rank[kind] == 1:
                plan = Plan(
                    execution.schedule[: use.number + 1], (other, tasks.owner(use.task)), (use.spots,)
                )
                plans.append((rank[kind], rarity[use.spots], -use.number, plan))
    in_order = [plan for *_, plan in sorted(plans, key=lambda entry: entry[:3])]
    return in_order, len(rank)


def _last_uses(execution: Execution, tasks: TaskTable) -> dict[tuple[ObjectId, TaskId], int]:
    """For each object and task the number of the last step in which it, or its feeder, uses the object."""
    return {
        (target, tasks.owner(step.task)): number
        for number, step in enumerate(execution.trace)
        for target in step.touches
    }


def _still_to_come(last: Mapping[tuple[ObjectId, TaskId], int], use: Use, tasks: TaskTable) -> list[TaskId]:
    """The other tasks that use the object after `use`: the interruption lets them do so before its task goes on."""
    return sorted(
        task
        for (target, task), number in last.items()
        if target == use.target and number > use.number and task != tasks.owner(use.task)
    )


def _waits_for(other: TaskId, use: Use, execution: Execution, tasks: TaskTable) -> bool:
    """Whether a task first joins the user's process, however long that takes: it cannot come in between."""
    for step in execution.trace[use.number + 1 :]:
        if tasks.owner(step.task) != other:
            continue
        if step.operation.kind in _JOINS and step.operation.may_wait:
            joined = {task_of(one) for one in (step.operation.object, *step.operation.targets) if one < 0}
            if tasks.owner(use.task) in joined:
                return True
        if use.target in step.touches:
            return False
    return False


def _twice(plan: Plan, execution: Execution, tasks: TaskTable) -> Iterable[Plan]:
    """The interrupting task interrupted in turn, at each of its uses, by every other one."""
    first, intruder = len(plan.schedule), plan.tasks[0]
    last = _last_uses(execution, tasks)
    for use in _uses_of(intruder, first, execution, tasks):
        for other in _still_to_come(last, use, tasks):
            schedule = execution.schedule[: use.number + 1]
            yield Plan(schedule, (other, intruder), (*plan.spots, use.spots))


def _uses_of(intruder: TaskId, first: int, execution: Execution, tasks: TaskTable) -> Sequence[Use]:
    """The uses by the interrupting task, from step number `first` on until it is another's turn."""
    last = first
    while last < len(execution.schedule) and tasks.owner(execution.schedule[last]) == intruder:
        last += 1
    return [use for use in uses(execution) if first <= use.number < last]
