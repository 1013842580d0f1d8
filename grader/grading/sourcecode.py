"""What the hints read from a submission's source, never executing any of it. Start at `SourceFacts`."""

import ast
from collections.abc import Iterator
from functools import cached_property

import msgspec

_CALLS = frozenset({"start", "join", "acquire", "release", "put", "get", "set", "wait", "terminate"})
_FINE_TARGETS = frozenset({"partial"})


class Uncalled(msgspec.Struct, frozen=True):
    """A method that is named in a statement of its own, without parentheses."""

    text: str
    line: int


class SourceFacts:
    """One submission's source, asked about."""

    def __init__(self, source: str) -> None:
        self.text = source

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source; empty if it does not parse."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.Module(body=[], type_ignores=[])

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def line(self, number: int) -> str:
        """A line of the source, "" if there is none of that number."""
        lines = self.text.split("\n")
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def calls_method(self, name: str) -> bool:
        """Whether `….name(…)` stands anywhere."""
        return any(
            isinstance(function, ast.Attribute) and function.attr == name for function in self._called()
        )

    def _called(self) -> Iterator[ast.expr]:
        return (node.func for node in self._nodes if isinstance(node, ast.Call))

    def uncalled(self, *names: str) -> Uncalled | None:
        """The first statement that names one of these methods without calling it."""
        wanted = frozenset(names) & _CALLS
        for node in self._nodes:
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr in wanted
            ):
                return Uncalled(ast.unparse(node.value)[:40], node.lineno)
        return None

    def called_target(self) -> int:
        """The line in which `target=` gets the result of a call, 0 if there is none."""
        for node in self._nodes:
            if isinstance(node, ast.keyword) and node.arg == "target" and isinstance(node.value, ast.Call):
                function = node.value.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name not in _FINE_TARGETS:
                    return node.value.lineno
        return 0

    def endless_loop(self, number: int) -> int:
        """The line of the innermost `while True:` around a line that nothing in it leaves; 0 if there is none."""
        loops = [node for node in self._nodes if isinstance(node, ast.While) and _covers(node, number)]
        innermost = max(loops, key=lambda node: node.lineno, default=None)
        if innermost is None or not (isinstance(innermost.test, ast.Constant) and innermost.test.value):
            return 0
        return 0 if any(map(_leaves, innermost.body)) else innermost.lineno

    def definition(self, name: str) -> tuple[int, str] | None:
        """The line of a function at the top of the file, and its parameters; None if there is none, or several."""
        found = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        return (found[0].lineno, ast.unparse(found[0].args)) if len(found) == 1 else None

    def kind_of_function(self, name: str) -> str:
        """`async`, `generator` or `plain`, for a function at the top of the file; "" if there is none."""
        for node in self.tree.body:
            if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
                return "async"
            if isinstance(node, ast.FunctionDef) and node.name == name:
                yields = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node))
                return "generator" if yields else "plain"
        return ""


def _covers(node: ast.stmt, number: int) -> bool:
    return node.lineno <= number <= (node.end_lineno or node.lineno)


def _leaves(node: ast.AST, *, inner: bool = False) -> bool:
    """Whether a part of a loop's body may end the loop; a call may, because it may raise an exception."""
    if isinstance(node, (ast.Return, ast.Raise, ast.Call, ast.Await, ast.Yield, ast.YieldFrom)):
        return True
    if isinstance(node, ast.Break):
        return not inner
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
        return False
    inner = inner or isinstance(node, (ast.While, ast.For))
    return any(_leaves(child, inner=inner) for child in ast.iter_child_nodes(node))
