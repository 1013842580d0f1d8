"""What a grade depends on besides the submission: the exercise, the grader itself. Start at `exercise`."""

import functools
import hashlib
import platform
from collections.abc import Iterable
from pathlib import Path

from grader import __version__
from grader.grading import catalogue

_PACKAGE = Path(__file__).resolve().parent.parent
_RENDERS = (".py", ".j2", ".css", ".js")
_NO_MATTER = ("batch", "report", "checks", "exploring", "_exercises", "_solutions")
"""Parts of the package that change no grade; the checks belong to the exercises."""


def exercise(found: catalogue.Exercise) -> str:
    """Changes whenever the stub, the reference (where there is one here) or a check of the exercise changes."""
    if found.folder is not None:
        parts = [*found.folder.glob("*.py")]
        return _digest((path.name, path) for path in sorted(parts))
    files = {
        "stub": found.stub,
        "reference": _PACKAGE.parent / "solutions" / f"{found.name}.py",
        "checks": _PACKAGE / "checks" / f"{found.name}.py",
    }
    return _digest((name, path) for name, path in files.items() if path.is_file())


@functools.cache
def grader() -> str:
    """Changes whenever what grades changes: the grader's code, its version, Python's feature version."""
    paths = sorted(_PACKAGE.rglob("*.py"))
    named = ((path.relative_to(_PACKAGE).as_posix(), path) for path in paths)
    code = _digest((name, path) for name, path in named if name.split("/")[0] not in _NO_MATTER)
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{__version__}+{code} (Python {python})"


@functools.cache
def reports() -> str:
    """Changes whenever what renders reports changes."""
    paths = [path for path in sorted((_PACKAGE / "report").rglob("*")) if path.suffix in _RENDERS]
    return f"{__version__}+{_digest((path.name, path) for path in paths)}"


def _digest(files: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, path in files:
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
