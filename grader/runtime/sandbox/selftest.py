"""Tries out the isolation: executes attacks where student code runs, and looks for their effects. Start at `run`."""

import contextlib
import functools
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import synchronize
from pathlib import Path
from typing import Any

from grader.runtime.agent import reaper
from grader.runtime.free import (
    FreeReport,
    FreeRun,
    FreeRuns,
    FreeStatus,
    Limits,
    RealCall,
    StartMethod,
    plainly,
)
from grader.runtime.sandbox import bombs, places
from grader.runtime.sandbox.bombs import Outcome, Tried
from grader.runtime.sandbox.levels import Isolation, Level
from grader.runtime.template import SubmissionText, Template

_MB = 2**20
_MEMORY = 512 * _MB
"""What all processes together may use here: less than ever in earnest, so that nobody's machine gets tight."""
_SECONDS = Limits(seconds=20.0, idle=15.0, cpu=15.0)
_GRACE_SECONDS = 3.0
_SECRET = "GRADER_SELF_TEST_SECRET"


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that student code must not be able to do: a function in `attacks`, and its arguments.

    `promised` says whether a level stops it; `success` whether what came back is what the attacker wanted.
    """

    title: str
    function: str
    arguments: tuple[Any, ...] = ()
    promised: Callable[[Isolation], bool] = lambda _: True
    success: Callable[[Any], bool] = bool


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The level of isolation, and every attack."""

    isolation: Isolation
    tried: tuple[Tried, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was stopped that the level promises to stop, and there is a level at all."""
        got_through = [one for one in self.tried if one.promised and one.outcome is Outcome.SUCCEEDED]
        return not got_through and self.isolation.sufficient


def run() -> SelfTest:
    """Find out the level and try every attack.

    Raises:
        UsageError: the level that the environment asks for cannot be had.
        InternalError: the template has died.
    """
    os.environ[_SECRET] = "secret"
    text = SubmissionText("attacks", "attacks.py", Path(__file__).with_name("attacks.py").read_text("utf-8"))
    with Template(memory=_MEMORY) as template, _Targets() as targets:
        isolation = template.isolation()
        with FreeRuns(lambda: template.runner(text), _SECONDS) as runs:
            before = _left(template, set())
            tried = [_try(runs, attack, isolation, targets) for attack in targets.attacks()]
            tried += bombs.tried(functools.partial(_perform, runs), template.pid, isolation, _MEMORY)
            runs.close()
            left = _left(template, before)
        tried.append(Tried("leave a process behind", Outcome.SUCCEEDED if left else Outcome.STOPPED))
    return SelfTest(isolation, tuple(tried))


def _left(template: Template, before: set[int]) -> set[int]:
    """The processes that live below the template besides `before`, once those that end have had the time for it."""
    deadline = time.monotonic() + _GRACE_SECONDS
    while True:
        left = {pid for pid in reaper.descendants(template.pid) if reaper.lives(pid)} - before
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)


def _try(runs: FreeRuns, attack: Attack, isolation: Isolation, targets: "_Targets") -> Tried:
    report = _perform(runs, attack.function, attack.arguments)
    hit = targets.hit() or _succeeded(report, attack)
    return Tried(attack.title, Outcome.SUCCEEDED if hit else Outcome.STOPPED, attack.promised(isolation))


def _perform(runs: FreeRuns, function: str, arguments: tuple[Any, ...]) -> FreeReport:
    call = RealCall(function, tuple(plainly(argument) for argument in arguments))
    return runs.perform(FreeRun(method=StartMethod.FORK, call=call))


def _succeeded(report: FreeReport, attack: Attack) -> bool:
    return report.status is FreeStatus.DONE and attack.success(report.returned)


def _files_closed(isolation: Isolation) -> bool:
    return isolation.level is Level.NS or isolation.landlock > 0


def _filtered(isolation: Isolation) -> bool:
    return isolation.seccomp


def _no_network(isolation: Isolation) -> bool:
    return isolation.level is Level.NS or isolation.seccomp


def _others_closed(isolation: Isolation) -> bool:
    return isolation.other_user or isolation.level is Level.NS or isolation.seccomp


def _no_calls(isolation: Isolation) -> bool:
    """At the level UID, other servers are reached as those of a manager are."""
    return isolation.level is Level.NS or _same_user_filter(isolation)


def _bounded(isolation: Isolation) -> bool:
    return isolation.level is not Level.OFF


def _own_shared_memory(isolation: Isolation) -> bool:
    return isolation.level is Level.NS or isolation.other_user


class _Targets:
    """What is to be attacked, and whether it was hit."""

    def __enter__(self) -> "_Targets":
        with contextlib.ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-target-")))
            self._folder.chmod(0o755)
            self._file = self._folder / "gradebook.csv"
            self._file.write_bytes(b"secret")
            self._file.chmod(0o600)
            self._home_file = Path.home() / f".grader-self-test-{os.getpid()}"
            self._state = self._looks()
            self._servers = [stack.enter_context(server) for server in self._listen()]
            self._semaphore = _semaphore()
            stack.callback(self._clean_up)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _looks(self) -> tuple[object, ...]:
        found = self._file.stat()
        return self._file.read_bytes(), found.st_mode, found.st_mtime_ns

    def _listen(self) -> Iterator[socket.socket]:
        for family, kind, address in (
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, str(self._folder / "stream")),
            (socket.AF_UNIX, socket.SOCK_DGRAM, str(self._folder / "packets")),
            (socket.AF_UNIX, socket.SOCK_STREAM, str(self._folder / "open")),
            (socket.AF_UNIX, socket.SOCK_STREAM, f"\0grader-self-test-{os.getpid()}"),
        ):
            server = socket.socket(family, kind)
            server.bind(address)
            server.setblocking(False)
            if kind == socket.SOCK_STREAM:
                server.listen()
            yield server
        os.chmod(self._folder / "open", 0o666)

    def _clean_up(self) -> None:
        """Remove what was made, by us and by attacks that were a success."""
        with contextlib.suppress(OSError):
            synchronize.sem_unlink(self._semaphore)  # type: ignore[attr-defined]
        self._home_file.unlink(missing_ok=True)
        self._empty_shared_memory()

    def _empty_shared_memory(self) -> None:
        for path in Path("/dev/shm").glob("grader-selftest-*"):
            path.unlink(missing_ok=True)

    def hit(self) -> bool:
        """Whether a file has changed, somebody has connected, or a packet has come, since the last time.

        What was left in shared memory by an attack that was ended is removed: the next one is not to answer for it.
        """
        found = False
        self._empty_shared_memory()
        for server in self._servers:
            with contextlib.suppress(BlockingIOError):
                if server.type == socket.SOCK_STREAM:
                    server.accept()[0].close()
                else:
                    server.recv(64)
                found = True
        before, self._state = self._state, self._looks()
        return found or before != self._state

    def attacks(self) -> Iterator[Attack]:
        """Every attack, in the order in which they are shown."""
        yield from self._on_files()
        yield from self._on_the_network()
        yield from self._on_processes()
        yield from _on_resources()

    def _on_files(self) -> Iterator[Attack]:
        own, home = self._file, str(Path.home())
        yield Attack("read the password file", "reads", ("/etc/passwd",), _files_closed)
        yield Attack(
            "read the grader's own files", "reads", (str(places.GRADER / "grader/cli.py"),), _files_closed
        )
        yield Attack("read the home folder", "reads", (home,), _files_closed)
        yield Attack("read a file of the user", "reads", (str(own),), _files_or_user)
        yield Attack("write to it", "writes", (str(own),), _files_or_user)
        yield Attack("change its permissions", "sets_mode", (str(own),), _others_closed)
        yield Attack("write to the home folder", "writes", (str(self._home_file),), _files_or_user)
        yield Attack("inherit open files", "has_open_files")
        yield Attack("inherit environment variables", "has_secrets", (_SECRET,))

    def _on_the_network(self) -> Iterator[Attack]:
        tcp, udp, stream, packets, public, abstract = self._servers
        yield Attack("connect to a server (TCP)", "connects", (tcp.getsockname()[1],), _no_network)
        yield Attack("send a packet (UDP)", "sends_packet", (udp.getsockname()[1],), _no_network)
        yield Attack("connect to a local server", "connects_to_path", (stream.getsockname(),), _others_closed)
        yield Attack(
            "connect to one that is open to all", "connects_to_path", (public.getsockname(),), _no_calls
        )
        yield Attack("send to a local server", "sends_to_path", (packets.getsockname(),), _no_network)
        name = "\0" + abstract.getsockname()[1:].decode("ascii")
        yield Attack("connect to an abstract address", "connects_to_path", (name,), _scoped)

    def _on_processes(self) -> Iterator[Attack]:
        judge = os.getpid()
        yield Attack("signal the grader", "signals", (judge,), _others_closed)
        yield Attack("limit the grader", "limits_other", (judge,), _others_closed)
        yield Attack("read the grader's memory", "reads_memory", (judge,), _files_or_user)
        yield Attack("read the grader's command line", "reads", (f"/proc/{judge}/cmdline",), _files_closed)
        yield Attack("trace the process above", "traces_parent", (), _others_closed)
        yield Attack(
            "remove the grader's semaphore", "removes_semaphore", (self._semaphore,), _own_shared_memory
        )


def _on_resources() -> Iterator[Attack]:
    yield Attack("reserve 8 GB of memory", "reserves_memory", (8192,))
    yield Attack("fill shared memory", "fills", ("/dev/shm", 20, 10), _bounded, lambda used: used >= 200)
    yield Attack("fill the disk", "fills_scratch", (20, 10), _bounded, lambda used: used >= 200)
    yield Attack("write one huge file", "writes_large_file", (1024,))
    yield Attack("hide memory in a nameless file", "makes_hidden_file", (), _filtered)
    yield Attack("leave shared memory behind", "shares_memory_by_key", (), _no_network)
    yield Attack("leave processes that run away", "leaves_daemons", (5,), success=lambda _: False)


def _files_or_user(isolation: Isolation) -> bool:
    return _files_closed(isolation) or isolation.other_user


def _scoped(isolation: Isolation) -> bool:
    return isolation.level is Level.NS or isolation.landlock >= 6 or _same_user_filter(isolation)


def _same_user_filter(isolation: Isolation) -> bool:
    return isolation.seccomp and isolation.level in (Level.LANDLOCK, Level.WEAK)


def _semaphore() -> str:
    """The name of a semaphore of ours that is there."""
    name = f"/grader-self-test-{os.getpid()}"
    made: Any = vars(synchronize)["_multiprocessing"]
    made.SemLock(1, 1, 1, name, False)
    return name
