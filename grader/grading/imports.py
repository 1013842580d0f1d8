"""What a submission imports that its contract does not need, for the instructor. Start at `remarks`.

By such modules a program can tell that it is being graded, and behave for as long. Most programs that use them mean no
harm, so they are only named. The source is read, and never executed.
"""

import ast
from collections.abc import Iterator

import msgspec

_TELLING = frozenset(
    {
        *(
            "os",
            "posix",
            "sys",
            "gc",
            "inspect",
            "ctypes",
            "_ctypes",
            "traceback",
            "linecache",
            "tracemalloc",
        ),
        *(
            "resource",
            "signal",
            "socket",
            "subprocess",
            "platform",
            "psutil",
            "importlib",
            "builtins",
            "pkgutil",
        ),
        *(
            "pathlib",
            "io",
            "glob",
            "shutil",
            "tempfile",
            "pwd",
            "getpass",
            "runpy",
            "code",
            "nt",
            "pickletools",
        ),
        *("faulthandler", "dis", "mmap", "fcntl", "select", "weakref", "site", "atexit", "imp"),
    }
)
"""Modules that show what is around a program, or change it."""
_IMPORTERS = frozenset({"__import__", "import_module"})
_BUILTINS = frozenset({"eval", "exec", "compile", "open"})
_INSIDE = frozenset(
    {"sys", "os", "builtins", "__builtins__", "__loader__", "__spec__", "f_globals", "f_back"}
)
"""Attributes by which other modules give away such a module (`multiprocessing.sys`)."""
_MOST = 10


class _Use(msgspec.Struct, frozen=True, order=True):
    """What was found, in which line first."""

    line: int
    words: str


def remarks(source: str) -> tuple[str, ...]:
    """One sentence for each module or way of importing that an exercise does not need; none if it does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    first: dict[str, int] = {}
    for use in sorted(_uses(tree)):
        first.setdefault(use.words, use.line)
    return tuple(
        f"Line {line} {words}, which the exercise does not need."
        for words, line in list(first.items())[:_MOST]
    )


def _uses(tree: ast.AST) -> Iterator[_Use]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                _Use(node.lineno, f"imports {_top(name.name)}") for name in node.names if _tells(name.name)
            )
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node)
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.Attribute) and node.attr in _INSIDE:
            yield _Use(node.lineno, f"uses .{node.attr} of another object")


def _from(node: ast.ImportFrom) -> Iterator[_Use]:
    module = node.module or ""
    if _tells(module):
        yield _Use(node.lineno, f"imports {_top(module)}")
    for name in node.names:
        if not _tells(module) and name.name in _INSIDE:
            yield _Use(node.lineno, f"imports {name.name}")


def _called(node: ast.Call) -> Iterator[_Use]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _IMPORTERS:
        argument = node.args[0] if node.args else None
        known = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        module = argument.value if isinstance(argument, ast.Constant) and known else ""
        if not known:
            yield _Use(node.lineno, "imports a module whose name it computes")
        elif _tells(str(module)):
            yield _Use(node.lineno, f"imports {_top(str(module))}")
    elif name in _BUILTINS and isinstance(function, ast.Name):
        yield _Use(node.lineno, f"calls {name}()")


def _tells(module: str) -> bool:
    return _top(module) in _TELLING


def _top(module: str) -> str:
    return module.partition(".")[0]
