"""Which exercises there are, and where their stubs lie. Start at `exercises` and `resolve`.

An installed grader carries them inside the package; in a checkout of the project they stand at its top. This module
stays light: `grader list` shall answer at once.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import InternalError, UsageError

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of a function; the `optional` ones have a default, whose source is kept."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()

    def __str__(self) -> str:
        optional = (f"{name}={default}" for name, default in zip(self.optional, self.defaults))
        return ", ".join((*self.required, *optional))


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise. `name` is the file stem that identifies it, `title` the first line of its stub.

    `functions` are those that a submission must define, with the arguments that they must take.
    """

    name: str
    title: str
    functions: Mapping[str, Signature]
    stub: Path


def exercises() -> tuple[Exercise, ...]:
    """Every exercise, in the order in which they are numbered.

    Raises:
        InternalError: the installation is incomplete.
    """
    found = [_read(path) for path in sorted(_folder().glob("*.py"))]
    if not found:
        raise InternalError("there are no exercises in this installation; install the grader again")
    return tuple(sorted(found, key=lambda exercise: exercise.title))


def resolve(path: Path, name: str | None = None) -> Exercise:
    """The exercise that the submission at `path` is for: `name`, or else the one of the same file stem.

    Raises:
        UsageError: there is no such exercise.
    """
    known = {exercise.name: exercise for exercise in exercises()}
    wanted = path.stem if name is None else name
    if wanted in known:
        return known[wanted]
    names = ", ".join(known)
    if name is not None:
        raise UsageError(f"there is no exercise {name!r}; known are {names}")
    raise UsageError(f"{path}: there is no exercise {wanted!r}; choose one with --exercise NAME ({names})")


def _folder() -> Path:
    for folder in (_PACKAGE / "_exercises", _PACKAGE.parent / "exercises"):
        if folder.is_dir():
            return folder
    raise InternalError("the exercises are missing from this installation; install the grader again")


def _read(path: Path) -> Exercise:
    tree = ast.parse(path.read_bytes(), filename=str(path))
    lines = (ast.get_docstring(tree) or path.stem).splitlines()
    functions = {node.name: _signature(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    return Exercise(path.stem, lines[0].rstrip("."), functions, path)


def _signature(function: ast.FunctionDef) -> Signature:
    names = tuple(argument.arg for argument in function.args.args)
    defaults = tuple(ast.unparse(default) for default in function.args.defaults)
    required = len(names) - len(defaults)
    return Signature(names[:required], names[required:], defaults)
