"""Whether a process that has come to its end may run once more, as if it had just been forked.

A fork costs more than what most processes do, so they are used again where that cannot be told from a new one. Start
at `Freshness`: it allows that only for submissions in which nothing *could* be remembered: their source changes
nothing but local variables and arguments, and what is in the module are functions and constants. Everything else
gets a new process each time. `Child` is about a process that the submission started itself; that its parent is in
the same state as the last time, the judge knows from the parent's steps.

Failures are always confirmed in new processes, and so is one execution of each exploration that finds none.
"""

import ast
import copy
import threading
from types import FunctionType, ModuleType
from typing import Any

from grader.runtime.agent import chance, clock, frames
from grader.runtime.agent.internals import mp_context, mp_process, mp_util

_MODULES = frozenset(
    {
        *("multiprocessing", "time", "random", "queue", "typing", "functools", "contextlib", "itertools"),
        *("math", "collections", "operator", "__future__", "os", "numbers", "string"),
    }
)
_OS_NAMES = frozenset({"getpid", "getppid", "cpu_count", "path", "linesep"})
_WORDS = frozenset(
    {
        *("exec", "eval", "compile", "globals", "locals", "vars", "setattr", "delattr", "open", "input"),
        *("breakpoint", "__import__", "memoryview", "set_start_method", "set_forkserver_preload"),
        *("lru_cache", "cache", "register", "type", "super", "getattr", "freeze_support", "singledispatch"),
    }
)
_HANDLE_MODULES = frozenset(
    {"multiprocessing.synchronize", "multiprocessing.queues", "multiprocessing.sharedctypes"}
)
_MOST_ITEMS = 1_000
_DEEPEST = 8
_CONSTANTS = (int, float, complex, str, bytes, bool, type(None))


class Freshness:
    """Knows one imported submission: whether its calls can leave anything behind, and whether they did."""

    def __init__(self, module: ModuleType, source: str) -> None:
        self._contents = vars(module)
        self._before = dict(self._contents)
        tree = _parse(source)
        imported = _imported(tree) if tree is not None else None
        self.possible = (
            tree is not None
            and imported is not None
            and _changes_nothing(tree, imported)
            and all(_forgets(value) for name, value in self._before.items() if _is_own(name, imported))
        )
        self._surroundings = self._look_around()

    def unchanged(self) -> bool:
        """Whether the process is as it was before the call, as far as can be seen."""
        if not self.possible or len(self._contents) != len(self._before):
            return False
        same = all(self._contents.get(name, self) is value for name, value in self._before.items())
        return same and self._look_around() == self._surroundings

    def defines(self, function: Any) -> bool:
        """Whether this is one of the functions at the top of the module."""
        return isinstance(function, FunctionType) and self._before.get(function.__name__) is function

    def _look_around(self) -> tuple[Any, ...]:
        default = mp_context._default_context
        return (
            len(vars(mp_process)["_children"]),
            default._actual_context is None,
            threading.active_count(),
        )


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imported(tree: ast.Module) -> dict[str, bool] | None:
    """The imported names, and whether each is a module; None if some module is none that we know to be harmless."""
    names: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] not in _MODULES:
                    return None
                names[alias.asname or alias.name.split(".")[0]] = True
        elif isinstance(node, ast.ImportFrom):
            if node.level or (node.module or "").split(".")[0] not in _MODULES:
                return None
            for alias in node.names:
                if alias.name == "*" or (node.module == "os" and alias.name not in _OS_NAMES):
                    return None
                names[alias.asname or alias.name] = False
    return names


def _is_own(name: str, imported: dict[str, bool] | None) -> bool:
    return not (name.startswith("__") and name.endswith("__")) and name not in (imported or ())


def _forgets(value: Any) -> bool:
    """Whether nothing can be remembered in a value of the module: a constant, or a function without a closure."""
    if isinstance(value, tuple):
        return all(_forgets(item) for item in value)
    if isinstance(value, FunctionType):
        defaults = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
        return value.__closure__ is None and not vars(value) and all(map(_forgets, defaults))
    return type(value) in _CONSTANTS


def _changes_nothing(tree: ast.Module, imported: dict[str, bool]) -> bool:
    """Whether the functions change nothing but local variables and what they are given."""
    outside = {*imported, *(name for node in tree.body for name in _bound(node))}
    modules = {name for name, is_module in imported.items() if is_module}
    qualified = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Global, ast.Nonlocal, ast.ClassDef, ast.AsyncFunctionDef)):
            return False
        if isinstance(node, ast.Name) and (
            node.id in _WORDS or (node.id in modules and id(node) not in qualified)
        ):
            return False
        if isinstance(node, ast.Attribute) and not _harmless_attribute(node, modules):
            return False
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            root = _root(node)
            if root is None or root in outside:
                return False
    return True


def _harmless_attribute(node: ast.Attribute, modules: set[str]) -> bool:
    if node.attr.startswith("_") or node.attr in _WORDS:
        return False
    of_os = isinstance(node.value, ast.Name) and node.value.id == "os" and "os" in modules
    return not of_os or node.attr in _OS_NAMES


def _root(node: ast.expr) -> str | None:
    """The variable at the left end of `a.b[c].d`, None if it is no variable."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of the module binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    return [
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


_PROCESSES = (mp_context.Process, mp_context.ForkProcess)
_COPIED = (list, dict, set)
_freshness: Freshness | None = None


def remember(freshness: Freshness) -> None:
    """The submission that the children of this process will run code of."""
    global _freshness
    _freshness = freshness


class Child:
    """A process that the submission has started, as it is at its beginning."""

    def __init__(self, process_obj: Any) -> None:
        self._process = process_obj
        self._elapsed = clock.elapsed()
        self._visits = frames.visits()
        contents = vars(process_obj)
        arguments = contents.get("_args", ()), contents.get("_kwargs", {})
        self._possible = (
            _freshness is not None
            and _freshness.possible
            and not chance.wanted
            and type(process_obj) in _PROCESSES
            and _freshness.defines(contents.get("_target"))
            and all(map(_restorable, (*arguments[0], *arguments[1].values())))
        )
        self._shared = {id(handle): handle for handle in _handles_in(arguments)} if self._possible else {}
        self._arguments = self._copied(arguments) if self._possible else arguments

    def may_run_again(self) -> bool:
        """Whether nothing was left behind."""
        return self._possible and _freshness is not None and _freshness.unchanged()

    def begin_again(self) -> None:
        """Be as at the beginning."""
        self._process._args, self._process._kwargs = self._copied(self._arguments)
        mp_util._exiting = False
        clock.start(self._elapsed)
        frames.restore_visits(self._visits)

    def _copied(self, arguments: Any) -> Any:
        """New containers around the same handles, which a process resets itself after a fork."""
        return copy.deepcopy(arguments, dict(self._shared))


def _restorable(value: Any, depth: int = 0) -> bool:
    """Whether an argument can be had again as it was: a constant, plain data, or a handle of a shared object."""
    if type(value) in (*_COPIED, tuple):
        items = _items(value)
        fits = len(items) <= _MOST_ITEMS and depth < _DEEPEST
        return fits and all(_restorable(item, depth + 1) for item in items)
    return type(value) in _CONSTANTS or _is_handle(value)


def _is_handle(value: Any) -> bool:
    return type(value).__module__ in _HANDLE_MODULES


def _items(container: Any) -> tuple[Any, ...]:
    return (*container, *container.values()) if isinstance(container, dict) else tuple(container)


def _handles_in(value: Any) -> list[Any]:
    """The handles in arguments that are restorable."""
    if type(value) in (*_COPIED, tuple):
        return [handle for item in _items(value) for handle in _handles_in(item)]
    return [value] if _is_handle(value) else []
