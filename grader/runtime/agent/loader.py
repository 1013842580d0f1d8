"""Imports the submission from its source text, as often as needed, without touching the file again.

Start at `Submission`. The text comes over the channel, so the file itself can be out of reach. A `Script` is the same
for a program that is run as `__main__`, with the folder that it lies in, and with arguments.
"""

import ast
import contextlib
import importlib
import importlib.util
import io
import linecache
import os
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
        linecache.cache[filename] = (len(source), None, io.StringIO(source).readlines(), filename)

    def preload(self) -> None:
        """Import the standard library modules that it names, so that no execution has to do it again."""
        for name in self._named():
            parts = name.split(".")
            if parts[0] in sys.stdlib_module_names and _NOT_IMPORTED.isdisjoint(parts):
                with contextlib.suppress(Exception):
                    importlib.import_module(name)

    def _named(self) -> list[str]:
        try:
            return _imported_names(ast.parse(self.source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []

    def mentions(self, words: Iterable[str]) -> bool:
        """Whether any of these words occurs in the source."""
        return any(word in self.source for word in words)

    def load(self, name: str | None = None, file: str = "") -> ModuleType:
        """Execute it as a new module; `file` is where it seems to lie, by default what tracebacks show.

        Raises: whatever the submission raises, and what `compile` does.
        """
        if self._code is None:
            self._code = compile(self.source, self.filename, "exec", dont_inherit=True)
            frames.know(self._code)
        module = ModuleType(name or self.name)
        module.__file__ = file or self._file()
        self._make_known(module)
        contents: dict[str, Any] = module.__dict__
        exec(self._code, contents)
        return module

    def _file(self) -> str:
        return self.filename

    def _make_known(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = module

    def load_in_child(self) -> ModuleType:
        """Execute it in a process that was started clean, before the function of that process is looked for."""
        return self.load()


class Script(Submission):
    """A program: executed as `__main__`, with its path and arguments in `sys.argv`."""

    def __init__(self, filename: str, source: str, path: str, arguments: list[str]) -> None:
        super().__init__("__main__", filename, source)
        self._path = path
        self._arguments = arguments

    def _file(self) -> str:
        return os.path.abspath(self._path)

    def _make_known(self, module: ModuleType) -> None:
        sys.modules["__main__"] = sys.modules[module.__name__] = module

    def enter(self) -> None:
        """Make the process what the interpreter is when it begins to execute this program."""
        sys.argv = [self._path, *self._arguments]
        sys.path.insert(0, os.path.dirname(self._file()))

    def preload(self) -> None:
        """Import the installed modules that it names as well, but none of its own folder."""
        super().preload()
        for name in self._named():
            root = name.split(".")[0]
            if root not in sys.stdlib_module_names and _is_installed(root):
                with contextlib.suppress(Exception):
                    importlib.import_module(name)

    def mentions(self, words: Iterable[str]) -> bool:
        """Whether any of these words occurs in the source, or may occur in a module of its own folder."""
        return super().mentions(words) or not all(
            root in sys.stdlib_module_names or _is_installed(root)
            for root in (name.split(".")[0] for name in self._named())
        )

    def load_in_child(self) -> ModuleType:
        """Execute it under the name that `multiprocessing.spawn` gives to a parent's main module."""
        return self.load("__mp_main__")


def _is_installed(name: str) -> bool:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    origin = found.origin if found is not None else None
    return origin is not None and ("site-packages" in origin or "dist-packages" in origin)


_NOT_IMPORTED = frozenset({"antigravity", "this", "turtle", "tkinter", "idlelib", "lib2to3", "__main__"})
"""Modules, on their own or as part of another's name, that do something when they are imported."""


def _imported_names(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names
