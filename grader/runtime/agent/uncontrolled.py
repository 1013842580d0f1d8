"""What carries data between processes, or schedules, out of the judge's sight. Start at `announce`.

Each of these can be imported, subclassed and looked at; only its use is announced, and ends the execution as
inconclusive. In a process with no channel (a template that imports modules ahead) everything works as ever.
"""

import builtins
import functools
import importlib
import io
import mmap
import os
import pathlib
import posix
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from grader.runtime.agent import channel
from grader.runtime.agent.internals import replace

_SCHEDULING = (
    "SIGTERM",
    "SIGALRM",
    "SIGVTALRM",
    "SIGPROF",
    "SIGUSR1",
    "SIGUSR2",
    "SIGHUP",
    "SIGQUIT",
    "SIGCONT",
)
_CARRIED = 32 * 2**20
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def announce(what: str) -> NoReturn:
    """Tell the judge what was used; it ends the execution, and this process with it."""
    channel.current().request("agent.uncontrolled", text=what)
    raise RuntimeError(f"{what} cannot be controlled")


def check_size(what: str, size: int) -> None:
    """Announce what is too large to be carried to the judge."""
    if size > _CARRIED:
        announce(f"{what} of {size:,} bytes")


def guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """`original`, announced when a controlled process calls it."""

    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def guard(*args: Any, **kwargs: Any) -> Any:
        if channel.exists():
            announce(f"{name}()")
        return original(*args, **kwargs)

    return guard


_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "os": (
        *(
            "fork",
            "forkpty",
            "posix_spawn",
            "posix_spawnp",
            "system",
            "popen",
            "pipe",
            "pipe2",
            "mkfifo",
            "mknod",
        ),
        *("execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "execlpe"),
        *("spawnv", "spawnve", "spawnvp", "spawnvpe", "spawnl", "spawnle", "spawnlp", "spawnlpe"),
        *("wait", "wait3", "wait4", "waitpid", "waitid", "killpg", "memfd_create", "eventfd"),
        *("mkdir", "rename", "replace", "link", "symlink", "remove", "unlink", "rmdir", "truncate"),
        *("utime", "chmod", "fchmod", "setxattr", "removexattr", "setpriority"),
    ),
    "pty": ("fork", "spawn"),
    "signal": ("alarm", "setitimer", "sigwait", "sigtimedwait", "pause", "pthread_kill"),
    "socket": ("socketpair", "create_connection", "create_server", "fromfd"),
    "_thread": ("start_new_thread", "start_new", "start_joinable_thread"),
    "threading": ("_start_new_thread", "_start_joinable_thread"),
    "fcntl": ("flock", "lockf", "fcntl", "ioctl"),
    "resource": ("prlimit",),
    "sqlite3": ("connect",),
    "select": ("poll", "epoll"),
    "multiprocessing.connection": ("Client",),
    "multiprocessing.util": ("spawnv_passfds",),
    "multiprocessing.reduction": ("send_handle", "recv_handle", "DupFd"),
}
"""Functions by module; one that a version or a system does not have is passed over."""

_CLASSES: tuple[tuple[str, str, str], ...] = (
    ("subprocess", "Popen", "__init__"),
    ("multiprocessing.connection", "Listener", "__init__"),
    ("multiprocessing.heap", "Arena", "__init__"),
    ("multiprocessing.managers", "SharedMemoryManager", "__init__"),
    ("multiprocessing.pool", "ThreadPool", "__init__"),
)
"""Classes, and the method whose call is their use."""


def _public(module: str, name: str) -> str:
    return f"{module}.{name}".replace("threading._start", "_thread.start")


GUARDED = frozenset(
    {f"{_public(module, name)}()" for module, names in _FUNCTIONS.items() for name in names}
    | {
        f"{module}.{name}{'' if method == '__init__' else f'.{method}'}()"
        for module, name, method in _CLASSES
    }
)
"""What uses of these are announced as."""


def _guard_functions() -> None:
    for module_name, names in _FUNCTIONS.items():
        module = sys.modules.get(module_name)
        for name in names:
            original = getattr(module, name, None)
            if original is not None:
                setattr(module, name, guarded(_public(module_name, name), original))


def _guard_classes() -> None:
    for module_name, class_name, method in _CLASSES:
        cls = getattr(sys.modules.get(module_name), class_name, None)
        if cls is not None:
            suffix = "" if method == "__init__" else f".{method}"
            setattr(cls, method, guarded(f"{module_name}.{class_name}{suffix}", getattr(cls, method)))


class Socket(socket.socket):
    """`socket.socket`, which a controlled process may name but not make."""

    __module__ = "socket"
    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if channel.exists():
            announce("socket.socket()")
        super().__init__(*args, **kwargs)


class Map(mmap.mmap):
    """`mmap.mmap`, which a controlled process may name but not make."""

    __module__ = "mmap"

    def __new__(cls, *args: Any, **kwargs: Any) -> "Map":
        if channel.exists():
            announce("mmap.mmap()")
        return super().__new__(cls, *args, **kwargs)


Socket.__name__ = Socket.__qualname__ = "socket"
Map.__name__ = Map.__qualname__ = "mmap"

_real_open, _real_os_open, _real_write = io.open, os.open, os.write
_real_signal = signal.signal


def _open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    """`open`: reading is free, what is written could be read by another process."""
    if set(mode) & set("wax+") and channel.exists() and file != os.devnull and not isinstance(file, int):
        announce(f"open() of a file for writing (mode {mode!r})")
    return _real_open(file, mode, *args, **kwargs)


def _os_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
    """`os.open`, likewise."""
    if flags & _WRITING and channel.exists() and path != os.devnull:
        announce("os.open() of a file for writing")
    return _real_os_open(path, flags, *args, **kwargs)


def _write(descriptor: int, data: Any, /) -> int:
    """`os.write`: what goes to the standard streams takes the way of `print`."""
    streams: dict[int, Any] = {1: sys.__stdout__, 2: sys.__stderr__}
    stream = streams.get(descriptor)
    if stream is None or not channel.exists():
        return _real_write(descriptor, data)
    return int(stream.buffer.write(data))


def _signal(number: Any, handler: Any) -> Any:
    """`signal.signal`: a handler for a signal that one process can send to another runs at any point."""
    caught = handler not in (signal.SIG_IGN, signal.SIG_DFL) or number == signal.SIGTERM
    if channel.exists() and caught and number in {getattr(signal, name, None) for name in _SCHEDULING}:
        announce(f"signal.signal({signal.Signals(number).name}, ...)")
    return _real_signal(number, handler)


def refresh_paths() -> None:
    """Up to Python 3.10, `pathlib` keeps copies of the functions it calls."""
    accessor = getattr(pathlib, "_NormalAccessor", None)
    for name in ("mkdir", "unlink", "link", "rmdir", "rename", "replace", "symlink", "open"):
        if accessor is not None and name in vars(accessor):
            current = io.open if name == "open" else getattr(os, name)
            replace(accessor, **{name: staticmethod(current)})


def preload() -> None:
    """Import what is to be replaced."""
    for name in {*_FUNCTIONS, *(module for module, _, _ in _CLASSES)}:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # a build of Python without it: nothing to replace


def install() -> None:
    """Replace everything listed here."""
    _guard_functions()
    _guard_classes()
    replace(socket, socket=Socket)
    replace(mmap, mmap=Map)
    for module, name, function in (
        (builtins, "open", _open),
        (io, "open", _open),
        (os, "open", _os_open),
        (os, "write", _write),
        (signal, "signal", _signal),
    ):
        functools.update_wrapper(function, getattr(module, name), updated=())
        setattr(module, name, function)


_IN_C = ("alarm", "setitimer", "sigtimedwait", "pause", "pthread_kill")


def install_in_c() -> None:
    """Put what was replaced in `os` and `signal` into the modules in C that these are made of, too."""
    for name, original in list(vars(posix).items()):
        ours = getattr(os, name, None)
        if callable(ours) and ours is not original:
            setattr(posix, name, ours)
    in_c = sys.modules["_signal"]
    for name in _IN_C:
        if hasattr(in_c, name):
            setattr(in_c, name, getattr(signal, name))
