"""What a runner leaves on disk and in shared memory, and how it goes away even if the runner was killed.

Start at `Scratch`. Its folder holds a file that is locked as long as the runner lives, so anybody can find out later
whether it belongs to somebody: the kernel gives the lock back however a process ends. `remove_stale` removes what
belongs to nobody; it is called when a template ends, and when the next one starts.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Collection, Iterable

PREFIX = "grader-run-"
STALE_SECONDS = 60.0
"""A folder that is younger may be one whose lock is not there yet."""
OWNED = "tmp"
"""The folder in a scratch folder that belongs to the user that student code runs as."""
SHARED_MEMORY = "/dev/shm"
_LOCK = ".lock"
_RUN = re.compile(r"gr[0-9a-f]{6}")
_MOST_ROUNDS = 100
_PAUSE = 0.01


class Scratch:
    """A new folder in `parent`, and its lock. Raises OSError."""

    def __init__(self, parent: str, prefix: str = "") -> None:
        self.path = tempfile.mkdtemp(prefix=f"{PREFIX}{prefix}", dir=parent)
        path = os.path.join(self.path, _LOCK)
        self._lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(self._lock, str(os.getpid()).encode("ascii"))

    def let_go(self) -> None:
        """Close the lock in a process that was forked: whoever has it could give it up for all."""
        with contextlib.suppress(OSError):
            os.close(self._lock)
        self._lock = -1

    def remove(self) -> None:
        """Remove the folder, once no process is left that could write to it."""
        remove_folder(self.path)
        self.let_go()


def remove_stale(parent: str, owners: Collection[int] = ()) -> None:
    """Remove the scratch folders in `parent` whose runner is gone, and what else these runners have left.

    With `owners`, only those of these processes, however young. A folder is ours if it has our name, owner and lock.
    """
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(PREFIX)]:
            with contextlib.suppress(OSError, ValueError):
                _remove_if_stale(entry, owners)


def _remove_if_stale(entry: "os.DirEntry[str]", owners: Collection[int]) -> None:
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    if not owners and time.time() - found.st_mtime < STALE_SECONDS:
        return
    lock = os.open(os.path.join(entry.path, _LOCK), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if owners and int(os.read(lock, 20)) not in owners:
            return
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove_all_of(entry.path)
    finally:
        os.close(lock)


def _remove_all_of(folder: str) -> None:
    """The folder, the processes and shared memory of its user, and the shared memory of its free runs."""
    with contextlib.suppress(OSError):
        user = os.stat(os.path.join(folder, OWNED), follow_symlinks=False).st_uid
        if user != os.geteuid():
            _kill_all_of(user)
            remove_shared_of(user)
    runs = [name for path in (folder, *_folders(folder)) for name in _RUN.findall(os.path.basename(path))]
    remove_shared_with(tuple(runs))
    remove_folder(folder)


def _folders(folder: str) -> list[str]:
    return [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]


def _kill_all_of(user: int) -> None:
    """Kill every process of a user who was a runner's alone: all at once, as that user."""
    for _ in range(_MOST_ROUNDS):
        if not any(_owner(name) == user for name in os.listdir("/proc") if name.isdigit()):
            return
        child = os.fork()
        if child == 0:
            with contextlib.suppress(OSError):
                os.setresuid(user, user, user)
                os.kill(-1, signal.SIGKILL)
            os._exit(0)
        with contextlib.suppress(OSError):
            os.waitpid(child, 0)
        time.sleep(_PAUSE)


def _owner(pid: str) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def remove_shared_of(user: int) -> None:
    """The user was ours alone, so what it has left in the memory file system is the submission's."""
    with contextlib.suppress(OSError), os.scandir(SHARED_MEMORY) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == user:
                    os.unlink(entry.path)


def remove_shared_with(prefixes: tuple[str, ...]) -> None:
    """Unlink the semaphores and the shared memory whose names begin so."""
    starts = (*prefixes, *(f"sem.{prefix}" for prefix in prefixes))
    with contextlib.suppress(OSError):
        for name in os.listdir(SHARED_MEMORY):
            if name.startswith(starts):
                _unlink(os.path.join(SHARED_MEMORY, name))


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


class SharedNames:
    """Names in shared memory that processes of the judge's own user have made below a runner.

    Other programs of that user make names there too. Ours are those that were not there before and that one of our
    processes was seen to hold, open or mapped.
    """

    def __init__(self) -> None:
        self._before = _names()
        self._held: set[str] = set()

    def look(self, pids: Iterable[int]) -> None:
        """See what these processes hold now."""
        new = _names() - self._before - self._held
        if new:
            for pid in pids:
                self._held |= new & held_by(pid)

    def paths(self) -> list[str]:
        """What was seen so far."""
        return [os.path.join(SHARED_MEMORY, name) for name in self._held]

    def suspected(self, pids: Collection[int]) -> list[str]:
        """What these processes have made, or may have: new names that no other process holds."""
        others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in pids]
        names = self._held | (_names() - self._before).difference(*map(held_by, others))
        return [os.path.join(SHARED_MEMORY, name) for name in names]

    def remove(self) -> None:
        """Unlink what was seen, once its processes are gone."""
        for path in self.paths():
            _unlink(path)
        self._held.clear()


def _names() -> set[str]:
    try:
        return set(os.listdir(SHARED_MEMORY))
    except OSError:
        return set()


def held_by(pid: int) -> set[str]:
    """The names in shared memory that a process has open or mapped."""
    paths: list[str] = []
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        paths += [line.split(None, 5)[5].strip() for line in maps if SHARED_MEMORY in line]
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                paths.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return {path.removeprefix(f"{SHARED_MEMORY}/") for path in paths if path.startswith(f"{SHARED_MEMORY}/")}


def remove_folder(folder: str) -> None:
    """Remove a folder that student code has filled, folders without permissions among it."""
    with contextlib.suppress(RecursionError):
        _remove(folder)
        if os.path.lexists(folder):
            for path, _, _ in os.walk(folder):
                _open_up(path)
            _remove(folder)


def _remove(folder: str) -> None:
    """The lock goes last: should this process be killed meanwhile, the next one still knows whose folder it is."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            elif name != _LOCK:
                _unlink(path)
    shutil.rmtree(folder, ignore_errors=True)


def _open_up(path: str) -> None:
    """Let the folders in `path` be entered."""
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, stat.S_IRWXU)
