"""The shown names of shared objects: as the exercise calls them, or as the submission does. Start at `Names`."""

import ast
import functools
from collections.abc import Mapping

from grader.core.execution import Execution
from grader.core.operations import NO_OBJECT, Creation, ObjectId, ObjectKind, creator_of, task_of
from grader.grading.scenario import Shared

_ARTICLES = {
    ObjectKind.MEMORY: "a shared value",
    ObjectKind.LOCK: "a lock",
    ObjectKind.EVENT: "an event",
    ObjectKind.CONDITION: "a condition",
    ObjectKind.QUEUE: "a queue",
    ObjectKind.PIPE: "a pipe",
    ObjectKind.POOL: "the pool",
    ObjectKind.PROCESS: "a process",
    ObjectKind.MANAGER: "a manager",
    ObjectKind.REFERENT: "a manager's object",
    ObjectKind.MANAGED_QUEUE: "a manager's queue",
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
        self._several = assigned_together(source)
        self._pairs = assigned_pairs(source)
        self._lists = lists_assigned(source)

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
        guarded = self._guarded_by(creation)
        if guarded is not None:
            return f"{self.of(guarded)}.get_lock()" if self.named(guarded) else _ARTICLES[creation.kind]
        if self.is_wakeup(target):
            return self.of(creation.lock)
        return self._own_name(creation) or _ARTICLES[creation.kind]

    def is_wakeup(self, target: ObjectId) -> bool:
        """Whether it is the lock by which one thread is woken that waits at a condition, event or queue."""
        creation = self._creations.get(target)
        return creation is not None and creation.kind is ObjectKind.LOCK and creation.lock != NO_OBJECT

    def _guarded_by(self, creation: Creation) -> ObjectId | None:
        """The value that was made together with this lock, for which it is."""
        if creation.kind is not ObjectKind.LOCK:
            return None
        for other in self._creations.values():
            together = other.lock == creation.object and other.line == creation.line
            if together and other.kind is ObjectKind.MEMORY:
                return other.object
        return None

    def _own_name(self, creation: Creation) -> str:
        """The variable that it was assigned to, with a number if its line has made several."""
        name, names = self._assigned.get(creation.line, ""), self._several.get(creation.line, ())
        pair = self._pair(creation)
        if pair is not None:
            return "/".join(pair)
        if not name and not names:
            return ""
        made = self._made_beside(creation)
        place = made.index(creation.object) if creation.object in made else 0
        if names:
            return names[place] if len(names) == len(made) else ""
        if len(made) < 2:
            return name
        return f"{name}[{place}]" if creation.line in self._lists else f"{name} #{place + 1}"

    def _pair(self, creation: Creation) -> tuple[str, ...] | None:
        """The two variables to which the ends of a pipe were assigned."""
        return self._pairs.get(creation.line) if creation.kind is ObjectKind.PIPE else None

    def _made_beside(self, creation: Creation) -> list[ObjectId]:
        """What its line has made in its process, in order: of its own kind, unless the line has several variables."""
        parts = {other.lock for other in self._creations.values() if other.kind is not ObjectKind.LOCK}
        return sorted(
            other.object
            for other in self._creations.values()
            if other.line == creation.line
            and creator_of(other.object) == creator_of(creation.object)
            and other.object not in parts
            and (other.kind is creation.kind or creation.line in self._several)
        )

    def end(self, pipe: ObjectId, end: int) -> str:
        """The name of one end (0 or 1) of a pipe: the variable that it was assigned to, or what it is."""
        creation = self._creations.get(pipe)
        pair = self._pair(creation) if creation is not None else None
        if pair is not None:
            return pair[end]
        one_way = creation is not None and creation.simple
        which = ("receiving", "sending")[end] if one_way else ("first", "second")[end]
        return f"the {which} end of {self.of(pipe)}"

    def named(self, target: ObjectId) -> bool:
        """Whether the exercise or a variable of the submission gives an object its name."""
        creation = self._creations.get(target)
        return target in self._shared or (creation is not None and bool(self._own_name(creation)))

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


@functools.lru_cache(maxsize=16)
def assigned_together(source: str) -> dict[int, tuple[str, ...]]:
    """The variables of each line that assigns several: `value, lock = Value("i", 0), Lock()`, or two statements."""
    names: dict[int, tuple[str, ...]] = {}
    for node in _assignments(source):
        target, made = node.targets[0], node.value
        parts: list[tuple[ast.expr, ast.expr]] = [(target, made)]
        if isinstance(target, ast.Tuple) and isinstance(made, ast.Tuple):
            parts = list(zip(target.elts, made.elts))
        found = tuple(_name(part) for part, value in parts if _calls(value))
        names[target.lineno] = (*names.get(target.lineno, ()), *found)
    return {line: found for line, found in names.items() if len(found) > 1 and all(found)}


@functools.lru_cache(maxsize=16)
def lists_assigned(source: str) -> frozenset[int]:
    """The lines in which what is assigned is a list, or made like one."""
    return frozenset(
        node.value.lineno
        for node in _assignments(source)
        if isinstance(node.value, (ast.List, ast.ListComp, ast.Tuple))
        and not isinstance(node.targets[0], ast.Tuple)
    )


@functools.lru_cache(maxsize=16)
def assigned_pairs(source: str) -> dict[int, tuple[str, ...]]:
    """The two variables of each line that assigns both from one call, and nothing else: `here, there = Pipe()`."""
    pairs: dict[int, tuple[str, ...]] = {}
    lines: list[int] = []
    for node in _assignments(source):
        target = node.targets[0]
        lines.append(target.lineno)
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Call):
            pairs[target.lineno] = tuple(_name(part) for part in target.elts)
    return {
        line: pair for line, pair in pairs.items() if len(pair) == 2 and all(pair) and lines.count(line) == 1
    }


def _calls(value: ast.expr) -> bool:
    """Whether anything is called, so that it may be a shared object that is made there."""
    return any(isinstance(node, ast.Call) for node in ast.walk(value))


def _assignments(source: str) -> list[ast.Assign]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and len(node.targets) == 1]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _name(target: ast.expr | None) -> str:
    if isinstance(target, ast.Name):
        return target.id[:40]
    if isinstance(target, ast.Attribute):
        return target.attr[:40]
    return ""
