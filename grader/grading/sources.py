"""Digests of our own sources: what a token or a grade rests on besides the submission. Start at `models`.

They are the same for a checkout and an installed package, whatever stands beside the sources and however their lines
end.
"""

import functools
import hashlib
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
    paths = [path for part in MODELS for path in modules(PACKAGE / part)]
    return digest((path.relative_to(PACKAGE).as_posix(), path) for path in paths)[:_SHORT]


def checks(exercise: Exercise) -> str:
    """Changes whenever the checks of an instructor's own exercise do; "" for ours, which are among the models."""
    if exercise.folder is None:
        return ""
    paths = sorted(path for path in exercise.folder.glob("*.py") if path.name not in _NO_CHECKS)
    return digest((path.name, path) for path in paths)[:_SHORT]


def modules(place: Path) -> list[Path]:
    """The module at `place`, or all below that folder, in an order that is the same everywhere."""
    return [place] if place.is_file() else sorted(place.rglob("*.py"), key=lambda path: path.as_posix())


def digest(files: Iterable[tuple[str, Path]]) -> str:
    """16 hexadecimal digits for files, each by a name and its content; how lines end does not matter."""
    found = hashlib.sha256()
    for name, path in files:
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{name}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:16]
