"""The numbers of tasks: the same task has the same number in every execution of an exploration.

A task is identified by its parent and its place among its parent's children; a thread by the thread that started it
and its place among those; a queue's feeder by its owner and the queue. Start at `TaskTable`.
"""

import re
from typing import TypeAlias

from grader.core.operations import JUDGE, ObjectId, TaskId

TaskPath: TypeAlias = tuple[int, ...]
"""From the judge down: the child's place at each level; a thread appends -1 and its place, a feeder 0
and the queue's id."""

_FEEDER = 0
_THREAD = -1
_NAME_LIMIT = 100
_CHOSEN_BY_PYTHON = re.compile(r"Thread-\d+( \(.*\))?")


class TaskTable:
    """Numbers given to paths as they come up, and the shown names."""

    def __init__(self) -> None:
        self._numbers: dict[TaskPath, TaskId] = {}
        self._paths: list[TaskPath] = []
        self._labels: dict[TaskId, str] = {}
        self._taken: set[str] = set()
        self._feeder_owners: dict[TaskId, TaskId] = {}
        self._processes: dict[TaskId, TaskId] = {}

    def top(self, place: int, label: str) -> TaskId:
        """A task that the judge itself starts (`place` counts from 0)."""
        task = self._number((place + 1,))
        self._labels.setdefault(task, label)
        self._taken.add(label)
        return task

    def child(self, parent: TaskId, place: int, name: str = "") -> TaskId:
        """The `place`-th child of `parent`, counted from 1. A `name` that Python did not choose becomes its label."""
        task = self._number((*self.path(parent), place))
        if task not in self._labels:
            name = _one_line(name)
            own = name if name and not name.rpartition("Process-")[1] else self._plain_label(parent, place)
            self._labels[task] = self._distinct(own)
        return task

    def thread(self, starter: TaskId, place: int, name: str = "") -> TaskId:
        """The `place`-th thread that `starter` has started, counted from 1: `main/T1`, or with its own `name`."""
        task = self._number((*self.path(starter), _THREAD, place))
        if task not in self._labels:
            name = _one_line(name)
            process = self._processes[task] = self._processes.get(starter, starter)
            number = f".{place}" if starter in self._processes else f"/T{place}"
            plain = f"{self.label(starter)}{number}"
            own = plain if _CHOSEN_BY_PYTHON.fullmatch(name) or not name else f"{self.label(process)}/{name}"
            self._labels[task] = self._distinct(own)
        return task

    @property
    def has_threads(self) -> bool:
        """Whether any process has ever started a thread."""
        return bool(self._processes)

    def _distinct(self, label: str) -> str:
        """`label`, or with a number behind it if another process has that name: one shown name means one process."""
        number, distinct = 1, label
        while distinct in self._taken:
            number += 1
            distinct = f"{label} ({number})"
        self._taken.add(distinct)
        return distinct

    def _plain_label(self, parent: TaskId, place: int) -> str:
        above = self._labels.get(parent, "")
        if parent in self._processes:
            return f"{above}/P{place}"
        return f"{above}.{place}" if above.startswith("P") else f"P{place}"

    def feeder(self, owner: TaskId, queue: ObjectId) -> TaskId:
        """The actor that moves what `owner` has put on `queue` into its pipe."""
        task = self._number((*self.path(owner), _FEEDER, queue))
        self._feeder_owners[task] = owner
        self._labels.setdefault(task, self.label(owner))
        return task

    def _number(self, path: TaskPath) -> TaskId:
        task = self._numbers.get(path)
        if task is None:
            task = self._numbers[path] = len(self._paths)
            self._paths.append(path)
        return task

    def path(self, task: TaskId) -> TaskPath:
        """How a task is identified independently of any numbering."""
        return () if task == JUDGE else self._paths[task]

    def by_path(self, path: TaskPath) -> TaskId | None:
        """The task with that path, None if it has not come up yet."""
        return self._numbers.get(path)

    def owner(self, task: TaskId) -> TaskId:
        """The task itself, or for a feeder the task that it works for."""
        return self._feeder_owners.get(task, task)

    def is_feeder(self, task: TaskId) -> bool:
        """Whether this is a queue's feeder and not a process."""
        return task in self._feeder_owners

    def label(self, task: TaskId) -> str:
        """The shown name: `main`, `P1`, `P1.2`, or the process's own `name=`."""
        return self._labels.get(task, f"task {task}")

    def labels(self) -> dict[TaskId, str]:
        """All shown names."""
        return dict(self._labels)

    def paths(self) -> dict[TaskId, TaskPath]:
        """What identifies each task independently of this table."""
        return dict(enumerate(self._paths))


def _one_line(name: str) -> str:
    """A name as it is shown: a submission may choose a very long one, or one that looks like lines of a report."""
    return " ".join(name[: 10 * _NAME_LIMIT].split())[:_NAME_LIMIT]
