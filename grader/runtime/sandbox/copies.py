"""A copy of the interpreter for another user, where the one that runs the grader lies below a folder that is closed.

That is so for root with a Python in its home folder, as pyenv installs it. Start at `of_level`. The copy has the
interpreter, its standard library and its shared libraries, and no packages that were installed; it is in a scratch
folder with a lock, so it goes away as a runner's does (`grader.runtime.agent.leftovers`).
"""

import os
import shutil
import stat
import sys
import sysconfig
from dataclasses import dataclass, field

from grader.runtime.agent import leftovers
from grader.runtime.sandbox import places
from grader.runtime.sandbox.levels import Level
from grader.runtime.sandbox.places import Places

_LEFT_OUT = (
    *("site-packages", "dist-packages", "test", "tests", "config-*", "*.a"),
    *("idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "*.opt-?.pyc"),
)
"""Packages, what nobody imports in a submission that has no screen, and what is compiled for other options."""
_PREFIX = "python-"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What a template is started with, and which files student code may read then."""

    executable: str
    places: Places
    variables: dict[str, str] = field(default_factory=dict)
    folder: leftovers.Scratch | None = None
    """Where the copy is, if it is one."""

    def remove(self) -> None:
        """Remove the copy; the interpreter itself stays."""
        if self.folder is not None:
            self.folder.remove()


def of_level(level: Level) -> Interpreter:
    """The interpreter that student code can reach at this level.

    Raises:
        OSError: it cannot be copied.
    """
    needed = places.interpreter()
    if level is not Level.UID or all(places.is_open(path) for path in needed.real()):
        return Interpreter(sys.executable, needed)
    return _copy(needed)


def _copy(needed: Places) -> Interpreter:
    folder = leftovers.Scratch(places.open_folder(), _PREFIX)
    try:
        executable = _fill(folder.path)
        libraries = os.path.join(folder.path, "lib")
        closed = [path for path in places.mapped() if not (places.is_open(path) or _is_standard(path))]
        for path in closed:
            _copy_file(path, os.path.join(libraries, os.path.basename(path)))
        _open_folders(folder.path)
    except BaseException:
        folder.remove()
        raise
    readable = (folder.path, *(path for path in needed.readable if places.is_open(path)))
    variables = {"LD_LIBRARY_PATH": libraries} if closed else {}
    return Interpreter(executable, Places(readable, needed.masked), variables, folder)


def _fill(folder: str) -> str:
    """Copy interpreter and library, laid out as they are, so that the one finds the other; the new interpreter."""
    for source in _standard():
        target = os.path.join(folder, os.path.relpath(source, sys.base_prefix))
        ignored = shutil.ignore_patterns(*_LEFT_OUT)
        shutil.copytree(source, target, ignore=ignored, copy_function=_copy_file, dirs_exist_ok=True)
    program = os.path.realpath(sys.executable)
    executable = os.path.join(folder, "bin", os.path.basename(program))
    _copy_file(program, executable)
    return executable


def _standard() -> set[str]:
    base = {"base": sys.base_prefix, "platbase": sys.base_prefix, "installed_base": sys.base_prefix}
    return {sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")}


def _is_standard(path: str) -> bool:
    return any(path.startswith(f"{folder}/") for folder in _standard())


def _copy_file(source: str, target: str) -> None:
    """With the time of the source, which belongs to what is compiled, for everybody to read."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    found = os.stat(source)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.chmod(target, 0o755 if found.st_mode & stat.S_IXUSR else 0o644)


def _open_folders(folder: str) -> None:
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o755)
