"""Where pages go: to the file that the user names, to one named after the submission, or to standard output.

Start at `targets`. What cannot be written is said before anything is graded.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from grader.errors import UsageError
from grader.report.streams import write_utf8

_OURS = b'<meta name="generator" content="grader '
_STDOUT = Path("-")
_NAME_BYTES = 200


def targets(files: Sequence[Path], output: Path | None, stdout: TextIO) -> list[Path | None]:
    """A place for the page of each of `files`, None for standard output.

    Without `output` that is where standard output leads, unless that is a terminal, which wants no page. For
    several files `output` is a folder, which is made.

    Raises:
        UsageError: the pages cannot be written there.
    """
    if len(files) == 1 and (output == _STDOUT or (output is None and not stdout.isatty())):
        return [None]
    if output == _STDOUT:
        raise UsageError("several pages do not go to standard output; name a folder with --output")
    if len(files) == 1 and output is not None and not output.is_dir():
        chosen = [output]
    else:
        folder = output or Path()
        _make(folder)
        chosen = [folder / name for name in _names(files)]
    for target in chosen:
        _check(target, asked_for=target == output)
    return [*chosen]


def write(page: str, target: Path | None, stdout: TextIO) -> None:
    """Write a page as UTF-8, whatever the locale says.

    Raises:
        UsageError: it cannot be written.
    """
    if target is None:
        write_utf8(page, stdout)
        return
    try:
        target.write_bytes(page.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None


def _names(files: Sequence[Path]) -> list[str]:
    """The names of the submissions, with as many folders before them as tell them apart."""
    parts = [[part for part in file.with_suffix("").parts if part not in ("/", "..")] for file in files]
    for length in range(1, max(map(len, parts), default=1) + 1):
        names = [_short("-".join(part[-length:])) for part in parts]
        if len({name.casefold() for name in names}) == len(names):
            return [f"{name}.html" for name in names]
    return [
        f"{_short(part[-1] if part else 'page')}-{number}.html" for number, part in enumerate(parts, start=1)
    ]


def _short(name: str) -> str:
    """A name that a file can have, with room for a number and a suffix."""
    data = os.fsencode(name)
    return name if len(data) <= _NAME_BYTES else data[:_NAME_BYTES].decode("utf-8", "ignore")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from None


def _check(target: Path, *, asked_for: bool) -> None:
    """A file that the user has not named is only overwritten if it is a page of ours."""
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file with --output")
    if not target.parent.is_dir():
        raise UsageError(
            f"{target.parent} is not a folder; make it first, or name another place with --output"
        )
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UsageError(f"{target} cannot be written; name another place with --output")
    if target.exists() and not asked_for and not is_ours(target):
        raise UsageError(
            f"{target} is there already, and no page of grader; name another place with --output"
        )


def is_ours(target: Path) -> bool:
    """Whether the file at `target` is a page of the grader."""
    try:
        with target.open("rb") as file:
            return _OURS in file.read(2_000)
    except OSError:
        return False
