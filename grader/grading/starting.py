"""Writes the exercises' stubs into a student's folder, and never over what is there. Start at `write_stubs`."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.errors import UsageError
from grader.grading.catalogue import Exercise


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
