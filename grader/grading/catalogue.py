"""Which exercises there are, and where their stubs lie. Start at `exercises` and `resolve`.

An installed grader carries them inside the package; in a checkout of the project they stand at its top. This module
stays light: `grader list` shall answer at once.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import InternalError, UsageError

OWN_FILES = ("stub.py", "reference.py", "checks.py")
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

    `functions` are those that a submission must define, with the arguments that they must take. An instructor's own
    exercise is a `folder` with the files `OWN_FILES`.
    """

    name: str
    title: str
    functions: Mapping[str, Signature]
    stub: Path
    folder: Path | None = None

    @property
    def spec(self) -> str:
        """What `resolve` finds it by, wherever that is called."""
        return self.name if self.folder is None else str(self.folder.resolve())


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

    A name that none of ours has may be the folder of an instructor's own.

    Raises:
        UsageError: there is no such exercise.
    """
    known = {exercise.name: exercise for exercise in exercises()}
    wanted = path.stem if name is None else name
    if wanted in known:
        return known[wanted]
    names = ", ".join(known)
    if name and ("/" in name or Path(name).is_dir()):
        return own(Path(name))
    if name is not None:
        raise UsageError(f"there is no exercise {name!r}; known are {names}, or name the folder of your own")
    raise UsageError(f"{path}: there is no exercise {wanted!r}; choose one with --exercise NAME ({names})")


def own(folder: Path) -> Exercise:
    """The exercise that an instructor has written in `folder`; its name is that of the folder.

    Raises:
        UsageError: it is incomplete.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name that of the exercise, `grader new NAME` makes one")
    missing = [name for name in OWN_FILES if not (folder / name).is_file()]
    if missing:
        raise UsageError(
            f"{folder} is no exercise: {', '.join(missing)} missing; `grader new NAME` writes one"
        )
    if not folder.name.isidentifier():
        raise UsageError(
            f"{folder}: the name of the folder is that of the exercise, so it has to be one of a module"
        )
    try:
        found = _read(folder / "stub.py")
    except (OSError, SyntaxError, ValueError) as error:
        raise UsageError(f"{folder / 'stub.py'} is not Python: {error}") from None
    if not found.functions:
        raise UsageError(f"{folder / 'stub.py'} defines no function, so there is nothing to be written")
    title = found.title if found.title != "stub" else folder.name
    return Exercise(folder.name, title, found.functions, found.stub, folder)


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
