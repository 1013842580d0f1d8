"""Whether the source of a submission can leave any trace of a call behind in its process. Start at `leaves_no_trace`.

The rules are strict, because a trace may be left by many ways (a list in the module, an attribute of a function, of
a class or a module of the library, of the process object), and looking for it afterwards finds only some:

* imports are of modules that keep nothing, and of names in them that give no way to what does;
* functions, classes and modules are called, or are the `target` of a process, but are no values otherwise, so that
  nothing can be stored in them under another name;
* what is assigned is variables, items, and a few attributes, none of them of something outside.
"""

import ast
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any, ClassVar

CONSTANTS = (int, float, complex, str, bytes, bool, type(None))
"""The types of which no value ever changes."""
_MODULES = frozenset(
    {
        *("multiprocessing", "time", "random", "queue", "typing", "functools", "contextlib", "itertools"),
        *("math", "collections", "collections.abc", "operator", "__future__", "os", "numbers", "string"),
        *("multiprocessing.synchronize", "multiprocessing.queues", "multiprocessing.sharedctypes"),
        *("multiprocessing.context", "multiprocessing.process", "os.path"),
    }
)
_INSIDE_MODULES = frozenset({"posixpath", "collections.abc"})
"""Modules that may be reached as attributes of others, by their own names."""
_OS_NAMES = frozenset({"getpid", "getppid", "cpu_count", "path", "linesep"})
WORDS = frozenset(
    {
        *("exec", "eval", "compile", "globals", "locals", "vars", "setattr", "delattr", "open", "input"),
        *("breakpoint", "memoryview", "set_start_method", "set_forkserver_preload", "set_executable"),
        *("lru_cache", "cache", "register", "type", "super", "getattr", "freeze_support", "singledispatch"),
        *("attrgetter", "methodcaller", "Formatter", "log_to_stderr", "get_logger"),
        *("redirect_stdout", "redirect_stderr", "chdir"),
    }
)
_DUNDERS = frozenset({"__name__", "__file__", "__doc__"})
_ATTRIBUTES = frozenset({"value", "raw", "daemon", "name"})
"""Attributes that may be assigned."""
_UNKNOWN = object()


def is_constant(value: Any) -> bool:
    """Whether a value never changes, nor any part of it."""
    if type(value) is tuple:
        return all(map(is_constant, value))
    return type(value) in CONSTANTS


def defaults(function: FunctionType) -> tuple[Any, ...]:
    """The values that parameters have if nothing else is given."""
    return (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())


def parse(source: str) -> ast.Module | None:
    """The tree of a source; None if it is no Python, or too much for the parser."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def leaves_no_trace(tree: ast.Module, contents: dict[str, Any], imported: dict[str, Any]) -> bool:
    """Whether functions change nothing but local variables and what they are given.

    `contents` is what is in the module after the import, `imported` what `imports` found.
    """
    return Reader(tree, contents, imported).harmless()


def imports(tree: ast.Module) -> dict[str, Any] | None:
    """The imported names and what they stand for; None if one could be a way to something that keeps a trace."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        for name, value in _bound_by(node):
            if value is _UNKNOWN or found.setdefault(name, value) is not value:
                return None
    return found


def _bound_by(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            known = alias.name in _MODULES and not _is_private(alias.name)
            name = alias.name if alias.asname else alias.name.split(".")[0]
            yield alias.asname or name, sys.modules.get(name, _UNKNOWN) if known else _UNKNOWN
    elif isinstance(node, ast.ImportFrom):
        known = not node.level and node.module in _MODULES
        module = sys.modules.get(node.module or "") if known else None
        for alias in node.names:
            value = _UNKNOWN if module is None else _member(module, alias.name, WORDS)
            yield alias.asname or alias.name, value


def _member(module: ModuleType, name: str, words: frozenset[str]) -> Any:
    """What a module has under a name, `_UNKNOWN` if that could keep a trace."""
    if _is_private(name) or name in words or (module.__name__ == "os" and name not in _OS_NAMES):
        return _UNKNOWN
    value = vars(module).get(name, _UNKNOWN)
    if isinstance(value, ModuleType):
        return value if value.__name__ in _INSIDE_MODULES else _UNKNOWN
    keeps_nothing = callable(value) or is_constant(value) or module.__name__ in ("typing", "__future__")
    return value if keeps_nothing else _UNKNOWN


def _is_private(name: str) -> bool:
    return name.startswith("_")


class Reader:
    """Reads one tree. `outside` is what the functions find in their module, constants left out."""

    words: ClassVar[frozenset[str]] = WORDS
    """Names that may not occur."""
    not_understood: ClassVar[tuple[type, ...]] = (
        ast.Global,
        ast.Nonlocal,
        ast.ClassDef,
        ast.AsyncFunctionDef,
    )

    def __init__(self, tree: ast.Module, contents: dict[str, Any], imported: dict[str, Any]) -> None:
        self._imported = imported
        self._names = {*contents, *imported}
        self._outside = {
            name for name in self._names if not is_constant(imported.get(name, contents.get(name)))
        }
        annotations = {id(part) for node in _annotations(tree) for part in ast.walk(node)}
        self._nodes = [node for node in ast.walk(tree) if id(node) not in annotations]
        self._uses = {id(used) for node in self._nodes for used in _used(node)}

    def harmless(self) -> bool:
        """Whether every node is."""
        return all(map(self._is_harmless, self._nodes))

    def _is_harmless(self, node: ast.AST) -> bool:
        if isinstance(node, self.not_understood):
            return False
        if isinstance(node, ast.Name):
            return self._is_harmless_name(node)
        if isinstance(node, ast.Attribute) and not self._is_harmless_attribute(node):
            return False
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            name = root(node)
            return name is not None and self.may_change(name)
        return True

    def may_change(self, name: str) -> bool:
        """Whether parts of what a variable stands for may be replaced."""
        return name not in self._names

    def _is_harmless_name(self, node: ast.Name) -> bool:
        if not isinstance(node.ctx, ast.Load):
            return True
        if node.id in self.words or (node.id.startswith("__") and node.id not in _DUNDERS):
            return False
        return node.id not in self._outside or id(node) in self._uses

    def _is_harmless_attribute(self, node: ast.Attribute) -> bool:
        if _is_private(node.attr) or node.attr in self.words:
            return False
        if not isinstance(node.ctx, ast.Load):
            return node.attr in _ATTRIBUTES
        module = self._module(node.value)
        if module is None:
            return True
        value = _member(module, node.attr, self.words)
        return value is not _UNKNOWN and (is_constant(value) or id(node) in self._uses)

    def _module(self, node: ast.expr) -> ModuleType | None:
        """The module that an expression is."""
        if isinstance(node, ast.Name):
            value = self._imported.get(node.id)
        elif isinstance(node, ast.Attribute):
            above = self._module(node.value)
            value = None if above is None else vars(above).get(node.attr)
        else:
            return None
        return value if isinstance(value, ModuleType) else None


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    """The annotations that are evaluated with the module and never again."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            arguments = function.args
            every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
            for argument in (*every, arguments.vararg, arguments.kwarg):
                if argument is not None and argument.annotation is not None:
                    yield argument.annotation
            if function.returns is not None:
                yield function.returns


def _used(node: ast.AST) -> Iterator[ast.expr]:
    """The parts of a node that may be something outside: what is called, run, caught, or asked for a part."""
    if isinstance(node, ast.Call):
        yield node.func
        yield from (keyword.value for keyword in node.keywords if keyword.arg == "target")
    elif isinstance(node, ast.Attribute):
        yield node.value
    elif isinstance(node, ast.ExceptHandler) and node.type is not None:
        yield node.type
        yield from node.type.elts if isinstance(node.type, ast.Tuple) else ()


def root(node: ast.expr) -> str | None:
    """The variable at the left end of `a.b[c].d`, None if it is no variable."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
