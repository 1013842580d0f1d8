"""Which files student code may read: the interpreter, its standard library, shared libraries. Start at `interpreter`.

Installed packages are never among them: the grader, its checks and the solutions may be one of those.
"""

import functools
import os
import site
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

GRADER = Path(__file__).resolve().parents[3]
_PACKAGES = ("site-packages", "dist-packages")
_DATA = (
    "/etc/ld.so.cache",
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/usr/lib/locale",
    "/usr/share/locale",
)
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64")
_TEMPORARY = ("/tmp", "/var/tmp")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Places:
    """`readable` are folders and files; what lies in `masked` is to be left out of them."""

    readable: tuple[str, ...]
    masked: tuple[str, ...]

    @functools.lru_cache(maxsize=1)  # noqa: B019 - there is one only
    def links(self) -> tuple[tuple[str, str], ...]:
        """The symbolic links on the way to what is readable: where each is, and what it says."""
        found: dict[str, str] = {}
        for path in self.readable:
            found.update(_links(path))
        return tuple(found.items())

    @functools.lru_cache(maxsize=1)  # noqa: B019 - there is one only
    def real(self) -> tuple[str, ...]:
        """What is readable, by paths without symbolic links."""
        return tuple(_outermost(os.path.realpath(path) for path in self.readable))

    @functools.lru_cache(maxsize=1)  # noqa: B019 - there is one only
    def expanded(self) -> tuple[str, ...]:
        """The same without exceptions: a folder with something masked in it is replaced by what else it holds."""
        return tuple(_without(self.readable, self.masked))

    def listable(self) -> tuple[str, ...]:
        """The folders that `expanded` replaces. The import system has to list them."""
        return tuple(path for path in self.real() if any(_inside(mask, path) for mask in self.masked))


@functools.lru_cache(maxsize=1)
def interpreter() -> Places:
    """What this interpreter needs, as real paths; none lies in another, and nothing that is not there."""
    paths = sysconfig.get_paths()
    base = sysconfig.get_paths(vars={"base": sys.base_prefix, "platbase": sys.base_exec_prefix})
    standard = {paths["stdlib"], base["stdlib"], base["platstdlib"], os.path.dirname(os.__file__)}
    executables = {sys.executable, os.path.realpath(sys.executable)}
    settings = os.path.join(sys.prefix, "pyvenv.cfg")
    wanted = {*standard, *executables, settings, *_shared_libraries(), *_DATA}
    masked = {
        *(paths[name] for name in ("purelib", "platlib")),
        *(base[name] for name in ("purelib", "platlib")),
        *site.getsitepackages(),
        *(os.path.join(folder, name) for folder in standard for name in _PACKAGES),
        *_installed(),
        str(GRADER / "grader"),
    }
    readable = _outermost(path for path in wanted if os.path.exists(path))
    hidden = _outermost(os.path.realpath(path) for path in masked if os.path.exists(path))
    return Places(tuple(readable), tuple(hidden))


def _shared_libraries() -> set[str]:
    """The folders of what this process has mapped; whatever else the interpreter loads later lies beside it."""
    shared = (*_LIBRARIES, sys.base_exec_prefix)
    return {
        os.path.dirname(path) if any(_inside(path, folder) for folder in shared) else path
        for path in mapped()
    }


def mapped() -> set[str]:
    """The shared libraries that this process has mapped, those of packages left out."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(None, 5)[-1].strip() for line in maps}
    except OSError:
        return set()
    return {
        path
        for path in paths
        if ".so" in os.path.basename(path) and not any(name in path for name in _PACKAGES)
    }


def open_folder() -> str:
    """A folder for temporary files that every user can get to."""
    own = tempfile.gettempdir()
    return next((path for path in (own, *_TEMPORARY) if is_open(path)), own)


def is_open(path: str) -> bool:
    """Whether every user can get to a file or folder, and read it."""
    steps = [os.path.realpath(path)]
    while steps[-1] != os.path.dirname(steps[-1]):
        steps.append(os.path.dirname(steps[-1]))
    try:
        last, *above = (os.stat(step).st_mode for step in steps)
    except OSError:
        return False
    return bool(last & stat.S_IROTH) and all(mode & stat.S_IXOTH for mode in above)


def _installed() -> Iterator[str]:
    """Folders of packages that are on this process's path."""
    for entry in sys.path:
        if os.path.basename(entry) in _PACKAGES:
            yield entry


def _links(path: str) -> Iterator[tuple[str, str]]:
    here, waiting = "/", path.split("/")
    while waiting:
        part = waiting.pop(0)
        if part == "..":
            here = os.path.dirname(here)
        elif part not in ("", "."):
            step = os.path.join(here, part)
            if not os.path.islink(step):
                here = step
                continue
            target = os.readlink(step)
            yield step, target
            here = "/" if target.startswith("/") else here
            waiting = [*target.split("/"), *waiting]


def _outermost(paths: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for path in sorted({os.path.normpath(path) for path in paths}):
        if not any(_inside(path, folder) for folder in kept):
            kept.append(path)
    return kept


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _without(paths: Iterable[str], masked: Iterable[str]) -> Iterator[str]:
    for path in paths:
        real = os.path.realpath(path)
        if any(_inside(real, hidden) for hidden in masked):
            continue
        within = [hidden for hidden in masked if _inside(hidden, real)]
        if not within or not os.path.isdir(real):
            yield path
            continue
        entries = sorted(
            entry.path for entry in os.scandir(real) if not entry.is_symlink() or entry.is_file()
        )
        yield from _without(entries, within)
