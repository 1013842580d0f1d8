"""One execution in which what is known of a task is not executed again.

Start at `RememberingSession._go_on`. A task has a process only from where nobody knows how it goes on. Then the process
is taken along the task's own history: it is told the results that the task was told so far, and must announce what the
task did. No other task is needed for that, and a child that the task starts on the way is not forked, unless it is the
one that is wanted.

A process that announces something else shows that its task depends on more than it is told. Then nothing is remembered
any more (`Memory.lost`), the execution counts as diverged, and everything has to be explored again. That a process
leaves word for another past the judge shows as well if the others are not there; what the same way hides from this
shows in the executions that are repeated in new processes (`grader.grading.examination`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from grader.core.execution import Outcome, OutcomeKind
from grader.core.operations import OperationKind, Result, Step, TaskId, task_of
from grader.engine.program import Anomaly, Report
from grader.runtime.allowance import Origin
from grader.runtime.hearing import Line, announcement, told
from grader.runtime.kept import KeptProcesses
from grader.runtime.patience import Patience
from grader.runtime.protocol import Wire, pair
from grader.runtime.remembered.trie import Memory, Node
from grader.runtime.runner import Runner
from grader.runtime.session import REUSABLE, RUNS_AGAIN, LiveSession, begun_at

_KIND = OperationKind
OTHERWISE = "a process did something else than it did before, having been told the same"
THREADS = "threads are not remembered"
MOST_TAKEN_ALONG = 60
"""So many steps are made for nothing to have a process that can begin again; a new one costs as much."""


class _Birth(NamedTuple):
    """Where a child was started: at this moment of its parent."""

    parent: "_Life"
    moment: int


class _Process:
    """A process of a task that has come to this moment of the task's life, and waits for an answer."""

    __slots__ = ("line", "moment")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.moment = 0


class _Life:
    """What a task has done in this execution."""

    def __init__(
        self, task: TaskId, root: Node, function: str, born: _Birth | None, fork: Callable[[], Wire] | None
    ) -> None:
        self.task = task
        self.nodes = [root]
        self.told: list[Result] = []
        """What the task was told at each moment but the last."""
        self.function = function
        self.born = born
        self.fork = fork
        """Makes a new process of a task that the judge starts."""
        self.process: _Process | None = None
        """The one that goes on where nothing is known; it may lag behind."""

    @property
    def now(self) -> int:
        """The number of the last moment."""
        return len(self.nodes) - 1

    def starts(self, moment: int) -> bool:
        """Whether the task has started a child there, by a fork of its process."""
        message = self.nodes[moment].message
        assert message is not None
        operation, result = message.operation, self.told[moment]
        return operation.kind is _KIND.PROCESS_START and result.ok and not operation.data


class RememberingSession(LiveSession):
    """Tasks whose behaviour is known in part, and scripted ones beside them."""

    def __init__(
        self,
        runner: Runner,
        patience: Patience,
        memory: Memory,
        kept: KeptProcesses | None = None,
        parent: Wire | None = None,
    ) -> None:
        super().__init__(runner, patience, kept, parent)
        self._memory = memory
        self._lives: dict[TaskId, _Life] = {}
        memory.begin()

    def add(self, task: TaskId, root: Node, fork: Callable[[], Wire], function: str = "") -> None:
        """A task that begins at `root`; `fork` makes a process of it."""
        self._lives[task] = _Life(task, root, function, None, fork)

    def _begin(self) -> list[Report]:
        return [self._report(life) for life in list(self._lives.values())]

    def _go_on(self, step: Step) -> Sequence[Report]:
        life, kind = self._lives.get(step.task), step.operation.kind
        if life is None:
            return []  # it has just killed itself
        if kind is _KIND.PROCESS_EXIT:
            failure = self._end(life)
            return [failure] if failure is not None else []
        if kind is _KIND.THREAD_START:
            return [self._forget(life.task, THREADS)]
        result = told(step.result)
        life.nodes.append(self._memory.after(life.nodes[-1], result))
        life.told.append(result)
        if kind is _KIND.PROCESS_START and result.ok:
            return self._start_child(life, task_of(step.operation.object))
        return [self._report(life)]

    def _start_child(self, parent: _Life, task: TaskId) -> list[Report]:
        born = _Birth(parent, parent.now - 1)
        child = _Life(task, self._memory.child(parent.nodes[-1]), parent.function, born, None)
        self._lives[task] = child
        if child.nodes[0].message is None:
            # Before its parent goes on: then one process of the parent is enough.
            failure = self._bear(child)
            if failure is not None:
                return [failure]
        return [self._report(parent), self._report(child)]

    def _report(self, life: _Life) -> Report:
        """What a task announces now."""
        node = life.nodes[-1]
        if node.message is None:
            failure = self._catch_up(life)
            if failure is not None:
                return failure
        else:
            self._memory.recalled += 1
        assert node.message is not None
        return announcement(life.task, node.message)

    def _catch_up(self, life: _Life) -> Anomaly | None:
        """Take the process of a task along to where the task is, a new one if there is none. Why not, if it fails."""
        failure = self._bear(life) if life.process is None else None
        if failure is not None:
            return failure
        assert life.process is not None
        return self._take_along(life, life.process, life.now)

    def _bear(self, life: _Life) -> Anomaly | None:
        """Give a task a process, which comes to its first moment."""
        line = self._again(life) or (
            self._forked(life) if life.born is None else self._forked_from_parent(life)
        )
        if isinstance(line, Anomaly):
            return line
        life.process = _Process(line)
        return self._listen(life, life.process)

    def _again(self, life: _Life) -> Line | None:
        """A process that has done the same in an earlier execution, and begins once more."""
        if self._kept is None or life.born is None:
            return None
        wire = self._kept.take(life.task, life.nodes[0].history, {"again": True})
        return Line(life.task, wire, self._origin(life)) if wire is not None else None

    def _forked(self, life: _Life) -> Line:
        assert life.fork is not None
        return Line(life.task, life.fork(), self._origin(life))

    def _forked_from_parent(self, life: _Life) -> Line | Anomaly:
        """A child of a process of its parent that is where the child was started."""
        assert life.born is not None
        parent, moment = life.born
        message = parent.nodes[moment].message
        assert message is not None
        if message.operation.data:
            return Line(life.task, self._runner.spawn(life.task, message.operation.data), self._origin(life))
        latest = parent.process
        too_late = latest is None or latest.moment > moment
        failure = self._bear(parent) if too_late else None
        if failure is not None:
            return failure
        process = parent.process
        assert process is not None
        failure = self._take_along(parent, process, moment)
        if failure is not None:
            return failure
        wire, other = pair()
        with other:
            process.line.answer(parent.told[moment], other.fileno())
        process.moment += 1
        failure = self._listen(parent, process)
        if latest is not None or parent.task not in self._lives:
            if process is not latest:
                self.hearing.hang_up(process.line)
            parent.process = latest
        return failure or Line(life.task, wire, self._origin(life))

    def _origin(self, life: _Life) -> Origin:
        """Where the task is, for the bookkeeping of what it computes: the place in its parent where it was started."""
        if life.born is None:
            return life.function, 0
        message = life.born.parent.nodes[life.born.moment].message
        assert message is not None
        return begun_at((life.function, message.place))

    def _take_along(self, life: _Life, process: _Process, moment: int) -> Anomaly | None:
        """Tell a process what its task was told, up to a moment. Why not, if it fails."""
        while process.moment < moment:
            word = RUNS_AGAIN if life.starts(process.moment) else b""
            process.line.answer(life.told[process.moment], word=word)
            process.moment += 1
            failure = self._listen(life, process)
            if failure is not None:
                return failure
        return None

    def _listen(self, life: _Life, process: _Process) -> Anomaly | None:
        """Hear what a process announces where it is, and remember it; why not, if it fails or is something else."""
        node = life.nodes[process.moment]
        heard = self.hearing.hear(process.line)
        self._memory.heard += 1
        if node.message is None:
            if isinstance(heard, Anomaly):
                return heard
            self._memory.keep(node, heard, process.line.wire.size)
            return None
        return None if heard == node.message else self._forget(life.task, OTHERWISE)

    def _forget(self, task: TaskId, why: str) -> Anomaly:
        """Nothing can be remembered of this submission."""
        self._memory.lost = why
        return Anomaly(Outcome(OutcomeKind.DIVERGED, task, detail=why))

    def _end(self, life: _Life) -> Anomaly | None:
        """A task has come to its end. Its process is kept if it can begin again, and need not be taken along far."""
        del self._lives[life.task]
        process, message = life.process, life.nodes[-1].message
        if process is None:
            return None
        life.process = None
        reusable = message is not None and message.operation.text == REUSABLE
        if self._kept is None or not reusable or life.now - process.moment > MOST_TAKEN_ALONG:
            self.hearing.hang_up(process.line)
            return None
        failure = self._take_along(life, process, life.now)
        if failure is not None:
            self.hearing.hang_up(process.line)
            return failure
        process.line.answer(None)
        begun = life.nodes[0].history if life.born is not None else 0
        self._kept.add(life.task, begun, process.line.wire)
        self.hearing.voices.gone(life.task)
        return None

    def _living(self) -> list[TaskId]:
        return list(self._lives)

    def _hang_up(self, task: TaskId) -> None:
        life = self._lives.pop(task, None)
        if life is not None and life.process is not None:
            self.hearing.hang_up(life.process.line)
            life.process = None
