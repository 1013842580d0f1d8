"""The hash seed that a submission is graded under. Start at `seed_for`.

Python orders what is in a set of texts by a seed that is another one in each run. A seed that is always the same, and
that anybody can find out, would tell a program that it is being graded: all it needs is `hash("")`. So a program that
could see the seed gets one of its own, from the secret; the others share the usual one, and with it a warm template.
"""

import ast
from collections.abc import Iterator

from grader.grading import imports, seeds

USUAL = 0
"""The seed of a template that nothing else is said to."""
_MOST = 2**32 - 1
_HARMLESS = frozenset(
    {
        *("__future__", "typing", "multiprocessing", "threading", "queue", "time", "datetime", "random"),
        *("math", "collections", "itertools", "functools", "contextlib", "logging", "concurrent"),
    }
)
"""Modules through which nothing of the seed is seen, unless by one of `_SHOWING`."""
_SHOWING = frozenset(
    {
        *("hash", "set", "frozenset", "Set", "MutableSet", "seed", "Random"),
        *("getattr", "eval", "exec", "compile", "vars", "globals", "locals", "dir", "open", "help"),
        *("__import__", "__builtins__", "__dict__", "__hash__", "__getattribute__", "__globals__"),
        *("__class__", "__base__", "__bases__", "__mro__", "__subclasses__", "__self__", "attrgetter"),
    }
)
"""Names by which a program comes at what depends on the seed, or at names that it does not spell out."""
_METHODS = frozenset({"keys", "items"})
"""What they give can be taken for a set."""


def seed_for(source: str, secret: bytes, sha256: str) -> int:
    """The usual seed, or the one that this file has under this secret; as `PYTHONHASHSEED` takes it."""
    if not _may_see_it(source):
        return USUAL
    return seeds.derived(secret, sha256, "hash") % _MOST + 1


def _may_see_it(source: str) -> bool:
    """Whether that cannot be excluded by looking at the names in the source."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # nothing of it will be executed
    if imports.remarks(source):
        return True
    return any(
        isinstance(node, (ast.Set, ast.SetComp))
        or not _SHOWING.isdisjoint(_names(node))
        or (isinstance(node, ast.Attribute) and (node.attr in _METHODS or _is_hidden(node)))
        or _is_unknown(node)
        for node in ast.walk(tree)
    )


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node.name
    elif isinstance(node, ast.alias):
        yield from (node.name, node.asname or "")


def _is_hidden(node: ast.Attribute) -> bool:
    """Whether it is an inner name of something that the program has not made: modules hold other modules so."""
    own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    return node.attr.startswith("_") and node.attr != "__name__" and not own


def _is_unknown(node: ast.AST) -> bool:
    """Whether it imports a module of which nothing is known here."""
    if isinstance(node, ast.Import):
        return any(name.name.partition(".")[0] not in _HARMLESS for name in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] not in _HARMLESS
