"""What a grade depends on besides the submission: the exercise, the grader itself. Start at `exercise`."""

import functools
import platform
import re

from grader import __version__
from grader.grading import catalogue
from grader.grading.sources import PACKAGE, digest, modules

_RENDERS = (".py", ".j2", ".css", ".js")
_NO_MATTER = ("batch", "report", "checks", "exploring", "_exercises", "_solutions")
"""Parts of the package that change no grade; the checks belong to the exercises."""
_PARTS = re.compile(r"(?P<version>[^+]*)\+(?P<code>[0-9a-f]{8})[0-9a-f]* \(Python (?P<python>[^()]*)\)")


def exercise(found: catalogue.Exercise) -> str:
    """Changes whenever the stub, the reference (where there is one here) or a check of the exercise changes."""
    if found.folder is not None:
        parts = [*found.folder.glob("*.py")]
        return digest((path.name, path) for path in sorted(parts))
    files = {
        "stub": found.stub,
        "reference": PACKAGE.parent / "solutions" / f"{found.name}.py",
        "checks": PACKAGE / "checks" / f"{found.name}.py",
    }
    return digest((name, path) for name, path in files.items() if path.is_file())


@functools.cache
def grader() -> str:
    """Changes whenever what grades changes: the grader's code, its version, Python's feature version."""
    code = digest((name, path) for name, path in modules("") if name.split("/")[0] not in _NO_MATTER)
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{__version__}+{code} (Python {python})"


def other(version: str) -> str:
    """A version that `grader` gave once, short and for people; "" if it is the one that runs, or unknown."""
    if version in ("", grader()):
        return ""
    parts = _PARTS.fullmatch(version)
    return f"{parts['version']} ({parts['code']}, Python {parts['python']})" if parts else version


@functools.cache
def reports() -> str:
    """Changes whenever what renders reports changes."""
    paths = [path for path in sorted((PACKAGE / "report").rglob("*")) if path.suffix in _RENDERS]
    return f"{__version__}+{digest((path.name, path) for path in paths)}"
