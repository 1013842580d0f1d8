"""What a task of a pool can touch, read off its source: then it does not matter which worker takes it.

Start at `Surroundings.reach`. The rules are strict: a task that *may* touch something shared, leave a trace in its
worker, or ask who its worker is, counts as one that does. What passes is a function of the submission (and what it
calls there) that computes with its arguments, constants, and functions of Python's that keep nothing; of what is
shared it may use locks, values, queues and events that it finds in the module.
"""

import ast
import builtins
import dis
import enum
import linecache
import operator
import os
import sys
import time
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from grader.runtime.agent import frames, traceless
from grader.runtime.agent.reuse import is_handle

_MODULES = frozenset({"math", "cmath", "operator", "itertools", "string", "statistics", "fractions"})
_BUILTINS = frozenset(
    {
        *("abs", "all", "any", "ascii", "bin", "bool", "bytearray", "bytes", "chr", "complex"),
        *("dict", "divmod", "enumerate", "filter", "float", "format", "frozenset", "hex", "int"),
        *("isinstance", "iter", "len", "list", "map", "max", "min", "next", "oct", "ord", "pow"),
        *("print", "range", "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum"),
        *("tuple", "zip", "Ellipsis"),
    }
)
_RECURSIVE = frozenset({"RLock", "Condition", "Synchronized", "SynchronizedArray", "SynchronizedString"})
_ENDS = frozenset({"close", "join_thread", "cancel_join_thread", "get_obj", "acquire", "release", "name"})
"""What is done to a handle and remembered there; `acquire` and `release` are, where a lock is recursive."""
_STORED = frozenset({"value", "raw"})
_CONTAINERS = (list, tuple, dict, set, frozenset)
_REFUSED = (ast.Global, ast.Nonlocal, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Await, ast.Delete)
_REFUSED += (ast.Yield, ast.YieldFrom, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)  # type: ignore[assignment]
_MOST_ITEMS = 10_000


class Reach(enum.IntEnum):
    """`ANYTHING`: nothing is known. `SHARED`: shared objects, but no trace in the worker. `LOCAL`: nothing."""

    ANYTHING = 0
    SHARED = 1
    LOCAL = 2


class Surroundings:
    """The modules of the submission as they are now, when a pool is made; `initializer` may add to them."""

    def __init__(self, initializer: Any = None, initargs: Any = ()) -> None:
        files = frames.files()
        self._globals = {
            id(vars(module)): dict(vars(module))
            for module in list(sys.modules.values())
            if _filename(module) in files
        }
        self._known: dict[Any, Reach] = {}
        self.clear = initializer is None or self._initialise(initializer, initargs)

    def _initialise(self, initializer: Any, initargs: Any) -> bool:
        """Whether the initializer does nothing but keep its arguments in global variables; notes them."""
        node = _definition(initializer)
        if node is None or id(initializer.__globals__) not in self._globals or type(initargs) is not tuple:
            return False
        parameters = [argument.arg for argument in node.args.args]
        given = dict(zip(parameters, initargs))
        for statement in node.body:
            if isinstance(statement, (ast.Global, ast.Pass)):
                continue
            if not isinstance(statement, ast.Assign):
                return False
            pairs = _pairs(statement)
            if pairs is None or any(value not in given for _, value in pairs):
                return False
            self._globals[id(initializer.__globals__)].update({name: given[value] for name, value in pairs})
        return len(parameters) == len(initargs)

    def reach(self, function: Any, arguments: Iterable[Any]) -> Reach:
        """What a call of `function` with these arguments can touch."""
        if not self.clear or not _is_plain(list(arguments), [_MOST_ITEMS]):
            return Reach.ANYTHING
        try:
            return self._reach(function)
        except (TypeError, RecursionError, ValueError):
            return Reach.ANYTHING  # a function that cannot be hashed, or one that goes too deep

    def _reach(self, function: Any) -> Reach:
        if function not in self._known:
            self._known[function] = Reach.LOCAL  # what calls itself reaches no further by that
            self._known[function] = self._read(function)
        return self._known[function]

    def _read(self, function: Any) -> Reach:
        if _is_harmless(function):
            return Reach.LOCAL
        node = _definition(function)
        if node is None or not isinstance(function, FunctionType):
            return Reach.ANYTHING
        around = self._globals.get(id(function.__globals__), {})
        known = around.get(function.__name__) is function and not vars(function)
        mixed = _locals(node) & _global_names(function.__code__)
        if not known or mixed or not all(map(traceless.is_constant, traceless.defaults(function))):
            return Reach.ANYTHING
        return min((self._one(part, node, around) for part in _parts(node)), default=Reach.LOCAL)

    def _one(self, part: ast.AST, function: ast.FunctionDef, around: Mapping[str, Any]) -> Reach:
        """What one node of the tree adds."""
        if isinstance(part, _REFUSED):
            return Reach.ANYTHING
        if isinstance(part, ast.Attribute):
            return self._attribute(part, function, around)
        if isinstance(part, ast.Subscript) and not isinstance(part.ctx, ast.Load):
            root = part.value
            if not isinstance(root, ast.Name):
                return Reach.LOCAL if traceless.root(root) in _locals(function) else Reach.ANYTHING
            own = root.id in _locals(function) or is_handle(around.get(root.id))
            return Reach.LOCAL if own else Reach.ANYTHING
        if isinstance(part, ast.Name) and part.id not in _locals(function):
            return self._outside(part, function, around)
        return Reach.LOCAL

    def _attribute(self, part: ast.Attribute, function: ast.FunctionDef, around: Mapping[str, Any]) -> Reach:
        if part.attr.startswith("_"):
            return Reach.ANYTHING
        if not isinstance(part.ctx, ast.Load):
            return Reach.SHARED if part.attr in _STORED else Reach.ANYTHING
        root = part.value
        value = (
            around.get(root.id) if isinstance(root, ast.Name) and root.id not in _locals(function) else None
        )
        if isinstance(value, ModuleType):
            return self._reach(getattr(value, part.attr, None))
        if (
            part.attr in ("acquire", "release")
            and is_handle(value)
            and type(value).__name__ not in _RECURSIVE
        ):
            return Reach.SHARED
        return Reach.ANYTHING if part.attr in _ENDS else Reach.LOCAL

    def _outside(self, part: ast.Name, function: ast.FunctionDef, around: Mapping[str, Any]) -> Reach:
        if not isinstance(part.ctx, ast.Load):
            return Reach.ANYTHING
        if part.id not in around:
            return Reach.LOCAL if part.id in _BUILTINS or _is_exception(part.id) else Reach.ANYTHING
        value = around[part.id]
        if traceless.is_constant(value) or isinstance(value, ModuleType):
            # A module is only a way to its parts, which are looked at where they are used.
            module = isinstance(value, ModuleType) and id(part) not in _owners(function)
            return Reach.ANYTHING if module else Reach.LOCAL
        if is_handle(value):
            return Reach.SHARED
        if type(value) in _CONTAINERS and id(part) in _readers(function) and _is_plain(value, [_MOST_ITEMS]):
            return Reach.LOCAL
        return self._reach(value)


def _filename(module: ModuleType) -> str:
    """What code of this module would be compiled under if it were the submission's: without a folder."""
    return os.path.basename(str(getattr(module, "__file__", None)))


def _is_harmless(value: Any) -> bool:
    """A function of Python's that computes, and nothing else."""
    if value is time.sleep:
        return True
    name = getattr(value, "__name__", "")
    if getattr(builtins, name, None) is value:
        return name in _BUILTINS or (isinstance(value, type) and issubclass(value, BaseException))
    module = getattr(value, "__module__", None)
    home = {"_operator": operator}.get(str(module)) or sys.modules.get(str(module))
    at_home = str(module).lstrip("_") in _MODULES and getattr(home, name, None) is value
    return at_home or traceless.is_constant(value)


def _is_exception(name: str) -> bool:
    value = getattr(builtins, name, None)
    return isinstance(value, type) and issubclass(value, BaseException)


def _is_plain(value: Any, room: list[int]) -> bool:
    """Whether a value is made of numbers, text and containers only, and not too large to look at."""
    room[0] -= 1
    if type(value) in traceless.CONSTANTS or type(value) is range:
        return True
    if type(value) not in _CONTAINERS or room[0] < 0:
        return False
    items = (*value, *value.values()) if isinstance(value, dict) else value
    return all(_is_plain(item, room) for item in items)


_trees: dict[str, ast.Module | None] = {}
_about: dict[tuple[int, str], frozenset[Any]] = {}


def _definition(function: Any) -> ast.FunctionDef | None:
    """The definition of a function at the top of a file of the submission; None for any other."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename not in frames.files() or code.co_freevars:
        return None
    filename = str(code.co_filename)
    if filename not in _trees:
        _trees[filename] = traceless.parse("".join(linecache.getlines(filename)))
    tree = _trees[filename]
    found = [
        node
        for node in (tree.body if tree is not None else ())
        if isinstance(node, ast.FunctionDef)
        and node.name == code.co_name
        and node.lineno == code.co_firstlineno
    ]
    return found[0] if len(found) == 1 and not found[0].decorator_list else None


def _parts(function: ast.FunctionDef) -> list[ast.AST]:
    """The nodes of the body; annotations and defaults are executed where the function is defined."""
    return [node for statement in function.body for node in ast.walk(statement)]


def _pairs(statement: ast.Assign) -> list[tuple[str, str]] | None:
    """`a = b`, or `a, b = c, d`, as pairs of names."""
    if len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    left = target.elts if isinstance(target, ast.Tuple) else [target]
    right = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [node.id for node in (*left, *right) if isinstance(node, ast.Name)]
    if len(left) != len(right) or len(names) != 2 * len(left):
        return None
    return list(zip(names[: len(left)], names[len(left) :]))


def _locals(function: ast.FunctionDef) -> frozenset[str]:
    """The variables of a function, those of its comprehensions and inner functions included."""
    key = id(function), "locals"
    if key not in _about:
        nodes = list(ast.walk(function))
        stored = {
            node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        }
        handlers = {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
        arguments = {node.arg for node in nodes if isinstance(node, ast.arg)}
        inner = {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node is not function}
        _about[key] = frozenset(stored | handlers | arguments | inner)
    return _about[key]


def _global_names(code: CodeType) -> frozenset[str]:
    """The variables of the module that a function uses, and the functions in it."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    own = {
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname.endswith(("_GLOBAL", "_NAME"))
    }
    return frozenset(own).union(*map(_global_names, inner))


def _owners(function: ast.FunctionDef) -> frozenset[int]:
    """The names that stand before a dot."""
    key = id(function), "owners"
    if key not in _about:
        _about[key] = frozenset(
            id(node.value) for node in ast.walk(function) if isinstance(node, ast.Attribute)
        )
    return _about[key]


def _readers(function: ast.FunctionDef) -> frozenset[int]:
    """The names that are only indexed, gone through, or searched."""
    key = id(function), "readers"
    if key not in _about:
        found: set[int] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                found.add(id(node.value))
            elif isinstance(node, (ast.For, ast.comprehension)):
                found.add(id(node.iter))
            elif isinstance(node, ast.Compare):
                found.update(map(id, node.comparators))
        _about[key] = frozenset(found)
    return _about[key]
