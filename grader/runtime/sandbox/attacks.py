"""What the self-test has executed in the place of a submission. Start anywhere: each function is one attack.

A function returns what it got, a true value if the attack was a success; an exception means that it was stopped.
The attacks are harmless: they read, ask or signal with 0, and fill up or multiply within bounds.
"""

import ctypes
import mmap
import os
import resource
import select
import signal
import socket
import subprocess
import time
from multiprocessing import synchronize
from typing import Any

_MB = 2**20
_libc: Any = ctypes.CDLL(None, use_errno=True)
_children: list[int] = []
_real_fork = os.fork
_REFUSED = 100
_AGAIN_SECONDS = 0.02
_HELD_SECONDS = 3.0
_LOOK_SECONDS = 0.05


def reads(path: str) -> bool:
    """Open a file and read from it, or list a folder."""
    if os.path.isdir(path):
        return bool(os.listdir(path))
    with open(path, "rb") as file:
        return bool(file.read(1))


def writes(path: str) -> bool:
    """Append to a file."""
    with open(path, "ab") as file:
        return file.write(b"was here") > 0


def sets_mode(path: str) -> bool:
    """Change the permissions of a file."""
    os.chmod(path, 0o777)
    return True


def runs(program: str) -> bool:
    """Start a program."""
    return subprocess.run([program], stdin=subprocess.DEVNULL, timeout=5, check=False).returncode >= 0


def connects(port: int) -> bool:
    """Open a connection to a server on this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        return connection.send(b"was here") > 0


def sends_packet(port: int) -> bool:
    """Send a packet to a server on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"was here", ("127.0.0.1", port)) > 0


def connects_to_path(path: str) -> bool:
    """Connect to a server by the path of its socket, or by an abstract name."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        return connection.send(b"was here") > 0


def sends_to_path(path: str) -> bool:
    """Send a packet to a server by the path of its socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"was here", path) > 0


def signals(pid: int) -> bool:
    """Ask whether a process could be sent a signal."""
    os.kill(pid, 0)
    return True


def limits_other(pid: int) -> bool:
    """Look at a limit of another process, which is as much as to set it."""
    return bool(resource.prlimit(pid, resource.RLIMIT_NOFILE))


def reads_memory(pid: int) -> bool:
    """Read from the memory of another process."""
    with open(f"/proc/{pid}/mem", "rb"):
        return True


def traces_parent() -> bool:
    """Attach to the process above as a debugger, for a moment."""
    pid, attach, detach = os.getppid(), 16, 17
    if _libc.ptrace(attach, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0)
    _libc.ptrace(detach, pid, None, None)
    return True


def multiplies(forks: int, seconds: float, more: float) -> int:
    """Be a bomb of processes, each of which starts others as long as it lives; how many forks were tried.

    It goes on for `seconds`, or less if enough were tried and refused; and for so much `more` until enough were tried.
    """
    reader, writer = os.pipe()
    started = time.monotonic()
    until = started + seconds + more
    if _real_fork() == 0:
        _explode(writer, until)
    worked, refused = 1, 0
    while True:
        now = time.monotonic()
        if now > until or (worked + refused >= forks and (refused >= _REFUSED or now > started + seconds)):
            return worked + refused
        if select.select([reader], [], [], 0.05)[0]:
            said = os.read(reader, 65_536)
            worked, refused = worked + said.count(b"y"), refused + said.count(b"n")


def _explode(writer: int, until: float) -> None:
    while time.monotonic() < until:
        try:
            child = _real_fork()
        except OSError:
            os.write(writer, b"n")
            _wait(_AGAIN_SECONDS)
            continue
        if child:
            os.write(writer, b"y")
    os._exit(0)


def takes_memory(processes: int, each: int) -> int:
    """Have processes use so many megabytes each, all at once and for a while; how many megabytes that were.

    On a busy machine it takes a while until they are there, and until somebody notices.
    """
    reader, writer = os.pipe()

    def take() -> bytearray:
        taken = bytearray(os.urandom(1)) * (each * _MB)
        os.write(writer, b"x")
        return taken

    for _ in range(processes):
        pid = _fork(take)
        if pid is not None:
            _children.append(pid)
    there, held = 0, 0.0
    while (alive := sum(map(_lives, _children))) == processes and held < _HELD_SECONDS:
        if there < processes:
            there += (
                len(os.read(reader, processes)) if select.select([reader], [], [], _LOOK_SECONDS)[0] else 0
            )
        else:
            _wait(_LOOK_SECONDS)
            held += _LOOK_SECONDS
    return _done(alive * each)


def _lives(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == 0


def reserves_memory(size: int) -> bool:
    """Have one process use so many megabytes of address space."""
    mmap.mmap(-1, size * _MB).close()
    return True


def fills(folder: str, files: int, each: int) -> int:
    """Write so many files of so many megabytes; how many megabytes it became."""
    written = 0
    names = [os.path.join(folder, f"grader-selftest-{number}") for number in range(files)]
    try:
        for name in names:
            with open(name, "wb", buffering=0) as file:
                for _ in range(each):
                    written += file.write(bytes(_MB)) == _MB
                    _wait(0.005)
    except OSError:
        pass
    finally:
        for name in names:
            if os.path.exists(name):
                os.unlink(name)
    return written


def fills_scratch(files: int, each: int) -> int:
    """As `fills`, where student code may write."""
    return fills(os.getcwd(), files, each)


def writes_large_file(size: int) -> bool:
    """Have one file of so many megabytes."""
    with open("large", "wb", buffering=0) as file:
        file.truncate(size * _MB)
    return True


def makes_hidden_file() -> bool:
    """Make a file that is nowhere and counts for nothing."""
    return os.memfd_create("hidden") >= 0


def shares_memory_by_key() -> bool:
    """Make shared memory of the old kind, which outlives all processes."""
    made: int = _libc.shmget(0, 4096, 0o1600)
    if made < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    _libc.shmctl(made, 0, None)
    return True


def removes_semaphore(name: str) -> bool:
    """Remove a semaphore that somebody else has made."""
    synchronize.sem_unlink(name)  # type: ignore[attr-defined]
    return True


def leaves_daemons(processes: int) -> int:
    """Leave processes behind that detach, ignore signals, and move on to a new process again and again."""
    for _ in range(processes):
        _fork(_run_away)
    _wait(0.1)
    return processes


def has_open_files() -> int:
    """How many files or folders are open that are not in its own scratch folder."""
    found = 0
    own = os.path.dirname(os.getcwd())
    for descriptor in range(3, 512):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
            found += os.path.isabs(target) and not target.startswith(own)
        except OSError:
            continue
    return found


def has_secrets(words: str) -> int:
    """How many of these variables are in its environment."""
    return sum(word in os.environ for word in words.split())


def _run_away() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        os.setsid()
        if os.fork():
            os._exit(0)
        _wait(0.001)


def _fork(body: Any = None) -> "int | None":
    try:
        pid = os.fork()
    except OSError:
        return None
    if pid == 0:
        try:
            kept = body() if body is not None else None
            _wait(30.0)
            del kept
        finally:
            os._exit(0)
    return pid


def _wait(seconds: float) -> None:
    """As `time.sleep`, which free runs make short."""
    select.select([], [], [], seconds)


def _done(answer: int) -> int:
    for pid in _children:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    return answer
