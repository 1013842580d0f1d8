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

    def kind_of_function(self, name: str) -> str:
        """`async`, `generator` or `plain`, for a function at the top of the file; "" if there is none."""
        for node in self.tree.body:
            if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
                return "async"
            if isinstance(node, ast.FunctionDef) and node.name == name:
                yields = any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node))
                return "generator" if yields else "plain"
        return ""
