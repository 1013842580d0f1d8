"""Whether a child that is being started is the same as an earlier one, but for its number. Start at `Birth`.

Two children are alike if nothing that they can see is different: the same function and arguments, everything that the
function and those it calls find in their module, the clock, the start method; and if they cannot find out who they
are. The source says whether that can be known (`learn`): it may use those parts of the library only that keep nothing
(as in `traceless`), and none that tells a process its name or number. Where the source is not understood, no children
are alike. What happens to them afterwards the judge sees by itself (`grader.engine.symmetry`).
"""

import ast
import builtins
import sys
from collections.abc import Iterable
from types import CodeType, FunctionType
from typing import Any, ClassVar

from grader.runtime.agent import chance, channel, clock, reuse, traceless, views
from grader.runtime.agent.internals import mp_context

_ALLOWED = frozenset({"set_start_method", "freeze_support"})
"""Names that `traceless` does not allow, but that do no harm here: the start method is compared."""
_IDENTITY = frozenset(
    {
        *("getpid", "getppid", "current_process", "parent_process", "current_thread", "main_thread"),
        *("get_ident", "get_native_id", "id", "hash", "object", "sys"),
        *chance.WORDS,
    }
)
_OF_SYS = frozenset({"argv", "exit", "stdout", "stderr", "maxsize", "platform", "version_info"})
"""The names in `sys` that may be used; the list `argv` is compared."""
_CONTAINERS = (list, tuple, dict, set, frozenset)
_PROCESSES = (
    *(mp_context.Process, mp_context.ForkProcess),
    *(mp_context.SpawnProcess, mp_context.ForkServerProcess),
)
_MOST_ITEMS = 1_000
_DEEPEST = 6
_imported: dict[str, Any] | None = None
"""What the names stand for that the source imports; None if it is not understood."""


class Unclear(Exception):
    """Nobody can say whether this would be the same in another process."""


def learn(source: str) -> None:
    """Read the source of the program whose processes are to be compared."""
    global _imported
    _imported = None if chance.wanted else _understood(source)


def _understood(source: str) -> dict[str, Any] | None:
    """What the source imports; None if it may do what could tell one process from another."""
    try:
        tree = _WithoutSys().visit(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    imported = traceless.imports(tree)
    if imported is None or _IDENTITY & {*imported, *_members(tree)}:
        return None
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return imported if _Sight(tree, functions, imported).harmless() else None


def _members(tree: ast.Module) -> set[str]:
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


class _WithoutSys(ast.NodeTransformer):
    """Takes the harmless uses of `sys` out; what is left of it is not understood."""

    def visit_Import(self, node: ast.Import) -> ast.AST:
        node.names = [alias for alias in node.names if alias.name != "sys" or alias.asname]
        return node if node.names else ast.Pass()

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        of_sys = isinstance(node.value, ast.Name) and node.value.id == "sys"
        return ast.Constant(0) if of_sys and node.attr in _OF_SYS and isinstance(node.ctx, ast.Load) else node


class _Sight(traceless.Reader):
    """Reads whether a program leaves everything as it is but for what is in its own module, which is compared."""

    words: ClassVar[frozenset[str]] = traceless.WORDS - _ALLOWED | _IDENTITY
    not_understood: ClassVar[tuple[type, ...]] = (ast.ClassDef, ast.AsyncFunctionDef)

    def may_change(self, name: str) -> bool:
        return name not in self._imported


class Birth:
    """A child at the moment of its start: everything that it can see, as something that can be compared."""

    def __init__(self, process: Any, method: str) -> None:
        self._kept: list[Any] = []
        """What was seen, so that nothing else gets to stand at the same address."""
        self._items = 0
        self._seen: set[int] = set()
        self._places: dict[int, int] = {}
        self._task = -1
        try:
            self.sight: tuple[Any, ...] | None = self._look_at(process, method)
        except Unclear:
            self.sight = None

    def twin(self) -> int | None:
        """The latest child of this process that was alike, None if there is none."""
        if self.sight is None:
            return None
        earlier = (birth for birth in reversed(channel.current().started) if birth.sight == self.sight)
        return next((birth._task for birth in earlier), None)

    def remember(self, task: int) -> None:
        """The child has been started, as this task."""
        self._task = task
        if self.sight is not None:
            channel.current().started.append(self)

    def _look_at(self, process: Any, method: str) -> tuple[Any, ...]:
        contents = vars(process)
        name = "-".join((type(process).__name__, ":".join(map(str, process._identity))))
        if (
            _imported is None
            or channel.had_threads()
            or type(process) not in _PROCESSES
            or process.name != name
        ):
            raise Unclear
        return (
            *(type(process).__name__, method, bool(process.daemon), clock.elapsed(), tuple(sys.argv)),
            id(mp_context._default_context._actual_context),
            self._look(contents.get("_target")),
            self._look(contents.get("_args", ())),
            self._look(contents.get("_kwargs", {})),
        )

    def _look(self, value: Any, depth: int = 0) -> Any:
        """A value as something that is equal only for one that cannot be told from it."""
        self._items += 1
        kind = type(value)
        if self._items > _MOST_ITEMS or depth > _DEEPEST:
            raise Unclear
        if traceless.is_constant(value):
            return kind.__name__, repr(value)
        if kind in _CONTAINERS:
            items = value.items() if kind is dict else value
            return kind.__name__, self._place(value), tuple(self._look(item, depth + 1) for item in items)
        if reuse.is_handle(value) or issubclass(kind, views.View):
            return self._look_into(value)
        if kind is FunctionType:
            return self._look_at_function(value)
        raise Unclear

    def _name(self, value: Any) -> int:
        self._kept.append(value)
        return id(value)

    def _place(self, container: Any) -> int:
        """A number that is the same again for the same container: one of equal content would do as well."""
        return self._places.setdefault(self._name(container), len(self._places))

    def _look_into(self, handle: Any) -> Any:
        """A handle, and what this process knows of its object: whether it holds the lock, say."""
        if id(handle) in self._seen or not _has_parts(handle):
            return self._name(handle)
        self._seen.add(id(handle))
        known = []
        for name, value in vars(handle).items():
            constant = traceless.is_constant(value)
            known.append((name, (type(value).__name__, repr(value)) if constant else self._look_into(value)))
        return self._name(handle), tuple(known)

    def _look_at_function(self, function: Any) -> Any:
        """A plain function, and all that it and those it mentions find in their module."""
        if id(function) in self._seen:
            return self._name(function)
        self._seen.add(id(function))
        if function.__closure__ is not None or vars(function):
            raise Unclear
        found = [
            (name, self._look_at_global(name, function.__globals__))
            for name in sorted(_names_in(function.__code__))
            if name in function.__globals__ or hasattr(builtins, name)
        ]
        return self._name(function), tuple(map(self._look, traceless.defaults(function))), tuple(found)

    def _look_at_global(self, name: str, contents: dict[str, Any]) -> Any:
        assert _imported is not None
        value = contents.get(name, self)
        if value is self:
            return self._name(getattr(builtins, name))
        if name in _imported and value is _imported[name]:
            return self._name(value)
        if name == "sys" and value is sys:
            return self._name(value)
        return self._look(value)


def _has_parts(value: Any) -> bool:
    """Whether an object is a handle, or a part of one that is ours, and knows something."""
    ours = type(value).__module__.startswith("grader.")
    return (ours or reuse.is_handle(value)) and hasattr(value, "__dict__")


def _names_in(code: CodeType) -> set[str]:
    """The names that code may look up in its module, those of the functions inside it included."""
    found = set(code.co_names)
    inner: Iterable[Any] = code.co_consts
    for constant in inner:
        if isinstance(constant, CodeType):
            found |= _names_in(constant)
    return found
