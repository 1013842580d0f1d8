"""Imports the submission from its source text, as often as needed, without touching the file again.

Start at `Submission`. The text comes over the channel, so the file itself can be out of reach.
"""

import ast
import contextlib
import importlib
import linecache
import sys
from collections.abc import Iterable
from types import CodeType, ModuleType
from typing import Any

from grader.runtime.agent import frames


class Submission:
    """The source of a submission under the name it is imported by; `filename` is what tracebacks show."""

    def __init__(self, name: str, filename: str, source: str) -> None:
        self.name = name
        self.filename = filename
        self.source = source
        self._code: CodeType | None = None
        frames.watch(filename)
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)

    def preload(self) -> None:
        """Import the standard library modules that it names, so that no execution has to do it again."""
        try:
            tree = ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for name in _imported_names(tree):
            if name.split(".")[0] in sys.stdlib_module_names and name.split(".")[0] not in _NOT_IMPORTED:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)

    def mentions(self, words: Iterable[str]) -> bool:
        """Whether any of these words occurs in the source."""
        return any(word in self.source for word in words)

    def load(self, name: str | None = None) -> ModuleType:
        """Execute it as a new module.

        Raises: whatever the submission raises, and what `compile` does.
        """
        if self._code is None:
            self._code = compile(self.source, self.filename, "exec", dont_inherit=True)
        module = ModuleType(name or self.name)
        module.__file__ = self.filename
        sys.modules[module.__name__] = module
        contents: dict[str, Any] = module.__dict__
        exec(self._code, contents)
        return module


_NOT_IMPORTED = frozenset({"antigravity", "this", "turtle", "tkinter", "idlelib", "lib2to3", "__main__"})


def _imported_names(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names
