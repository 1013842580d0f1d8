"""The shown names of shared objects: as the exercise calls them, or as the submission does. Start at `Names`."""

import ast
import functools
from collections.abc import Mapping

from grader.core.execution import Execution
from grader.core.operations import Creation, ObjectId, ObjectKind, task_of
from grader.grading.scenario import Shared

_ARTICLES = {
    ObjectKind.MEMORY: "a shared value",
    ObjectKind.LOCK: "a lock",
    ObjectKind.EVENT: "an event",
    ObjectKind.CONDITION: "a condition",
    ObjectKind.QUEUE: "a queue",
    ObjectKind.PROCESS: "a process",
}


class Names:
    """Names of the objects of one execution."""

    def __init__(
        self,
        source: str,
        shared: Mapping[ObjectId, Shared],
        execution: Execution,
        creations: Mapping[ObjectId, Creation],
    ) -> None:
        self._creations = creations
        self._shared = shared
        self._execution = execution
        self._assigned = assigned_names(source)

    def __contains__(self, target: ObjectId) -> bool:
        return target in self._execution.objects

    def of(self, target: ObjectId) -> str:
        """The name of an object: the exercise's, the variable that it was assigned to, or what it is."""
        if target < 0:
            return self._execution.labels.get(task_of(target), "a process")
        if target in self._shared:
            return self._shared[target].name
        creation = self._creations.get(target)
        if creation is None:
            return "a shared object"
        name = self._assigned.get(creation.line)
        if name is None:
            return _ARTICLES[creation.kind]
        guards = creation.kind is ObjectKind.LOCK and any(
            other.kind is ObjectKind.MEMORY and other.lock == target and other.line == creation.line
            for other in self._creations.values()
        )
        return f"{name}.get_lock()" if guards else name

    def named(self, target: ObjectId) -> bool:
        """Whether the exercise or a variable of the submission gives an object its name."""
        creation = self._creations.get(target)
        return target in self._shared or (creation is not None and creation.line in self._assigned)

    def line_of(self, target: ObjectId) -> int:
        """The line that made an object, 0 if it is the exercise's."""
        creation = self._creations.get(target)
        return creation.line if creation is not None else 0


@functools.lru_cache(maxsize=16)
def assigned_names(source: str) -> dict[int, str]:
    """Which variable each line assigns, for the lines that assign exactly one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    names: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr | None = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        elif isinstance(node, ast.withitem):
            target = node.optional_vars
        else:
            continue
        name = _name(target)
        if name and target is not None:
            names.setdefault(target.lineno, name)
    return names


def _name(target: ast.expr | None) -> str:
    if isinstance(target, ast.Name):
        return target.id[:40]
    if isinstance(target, ast.Attribute):
        return target.attr[:40]
    return ""
