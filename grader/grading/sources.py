"""Digests of our own sources: what a token or a grade rests on besides the submission. Start at `models`.

They are the same for a checkout and an installed package, whatever stands beside the sources and however their lines
end.
"""

import functools
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from grader.grading.catalogue import Exercise

PACKAGE = Path(__file__).resolve().parent.parent
MODELS = (
    *("core", "primitives", "engine", "runtime", "checks"),
    *("grading/lab.py", "grading/scenario.py", "grading/workbench.py", "exploring/script.py"),
)
"""What decides which order a schedule stands for: which tasks there are, and what is a step of theirs."""
_SHORT = 8  # 32 bits: two versions of ours are never the same by chance, and nobody gains by forging one
_NO_CHECKS = ("stub.py", "reference.py")


@functools.cache
def models() -> str:
    """Changes whenever one schedule may stand for another order than before: 8 hexadecimal digits."""
    return digest(modules(*MODELS))[:_SHORT]


def checks(exercise: Exercise) -> str:
    """Changes whenever the checks of an instructor's own exercise do; "" for ours, which are among the models."""
    if exercise.folder is None:
        return ""
    paths = sorted(path for path in exercise.folder.glob("*.py") if path.name not in _NO_CHECKS)
    return digest((path.name, path) for path in paths)[:_SHORT]


def modules(*parts: str) -> list[tuple[str, str]]:
    """The modules of the package that are these parts of it, or below them: names in the package, and paths, in order.

    Paths are text, because for some hundred files `pathlib` takes several times as long as all the rest.
    """
    paths = [path for part in parts for path in _below(os.path.join(PACKAGE, part))]
    start = len(os.path.join(PACKAGE, ""))
    return sorted((path[start:], path) for path in paths)


def _below(place: str) -> list[str]:
    if os.path.isfile(place):
        return [place]
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(place)
        for name in names
        if name.endswith(".py")
    ]


def digest(files: Iterable[tuple[str, str | Path]]) -> str:
    """16 hexadecimal digits for files, each by a name and its content; how lines end does not matter."""
    found = hashlib.sha256()
    for name, path in files:
        with open(path, "rb", buffering=0) as file:
            content = file.read()
        if b"\r" in content:
            content = content.replace(b"\r\n", b"\n")
        found.update(f"{name}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:16]
