"""Writes the exercises' stubs into a student's folder, and never over what is there.

Start at `write_stubs`; `wanted` says which of them, and where to.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from grader.errors import UsageError
from grader.grading.catalogue import Exercise


def wanted(exercises: Sequence[Exercise], folder: Path, name: str | None) -> tuple[Sequence[Exercise], Path]:
    """Which exercises to write, and where to.

    An exercise's name in the place of a folder that is not there is meant as such: `grader start counter`.

    Raises:
        UsageError: there is no such exercise.
    """
    known = {exercise.name: exercise for exercise in exercises}
    asked = str(folder).removesuffix(".py")
    if name is None and asked in known and not folder.is_dir():
        return [known[asked]], Path()
    if name is None:
        return exercises, folder
    if name not in known:
        raise UsageError(f"there is no exercise {name!r}; known are {', '.join(known)}")
    return [known[name]], folder


def write_stubs(exercises: Iterable[Exercise], folder: Path, force: bool) -> Iterator[tuple[Path, bool]]:
    """Write each stub into `folder`, which is made if need be.

    Yields each path with whether it was written; without `force` a file that is there already is kept.

    Raises:
        UsageError: the folder, or a file in it, cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for exercise in exercises:
            target = folder / exercise.stub.name
            yield target, _write(target, exercise.stub.read_bytes(), force)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{folder} is not a folder; name one") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot write into {folder}: {reason}; choose another folder") from None


def _write(target: Path, data: bytes, force: bool) -> bool:
    if force:
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_bytes(data)
        os.replace(fresh, target)
        return True
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True
