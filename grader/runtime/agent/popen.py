"""How a controlled process is started, waited for and killed: the `Popen` objects under `Process`. Start at `Popen`.

Everything above them (names, daemons, `run`, what may be joined when) is Python's own `BaseProcess`.
"""

import atexit
import contextlib
import os
import pickle
import signal
import sys
from typing import Any, NoReturn

from grader.runtime.agent import (
    alike,
    chance,
    channel,
    clock,
    draws,
    ending,
    forking,
    frames,
    reuse,
    room,
    uncontrolled,
)
from grader.runtime.agent.internals import (
    mp_context,
    mp_popen_fork,
    mp_popen_forkserver,
    mp_popen_spawn,
    mp_process,
    mp_spawn,
    mp_util,
    replace,
)

_FIRST_SENTINEL = 1_000_000
_TASKS = 2**31
_real_close = os.close
_RUNS_AGAIN = b"again"
"""The judge's answer to a start if this very process, from an earlier execution, is used once more."""
_RUNS_ATEXIT = hasattr(mp_popen_fork, "atexit")


def sentinel_of(task: int) -> int:
    """The number that stands for a task's end in `multiprocessing.connection.wait`; no descriptor."""
    return _FIRST_SENTINEL + task


class Popen:
    """A child that is a fork of this process."""

    method = "fork"

    def __init__(self, process_obj: Any) -> None:
        mp_util._flush_std_streams()
        self.returncode: int | None = None
        self.ends: list[int] = []
        """The pipe ends among the pickled arguments."""
        self._launch(process_obj)

    def _launch(self, process_obj: Any) -> None:
        if self._announce(process_obj, b"") == _RUNS_AGAIN:
            return
        descriptor = channel.current().take_descriptor()
        if descriptor < 0:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        try:
            child = forking.fork()
        except OSError as error:
            _real_close(descriptor)
            if room.refuses(error):
                uncontrolled.announce(room.NO_ROOM)
            raise
        if child == 0:
            _be_child(process_obj, descriptor, self.task)
        _real_close(descriptor)

    def _announce(self, process_obj: Any, data: bytes) -> bytes:
        number = int(bool(process_obj.daemon))
        fields: dict[str, Any] = {"targets": self.ends} if self.ends else {}
        worker = int(getattr(process_obj, "is_pool_worker", False))
        birth = alike.Birth(process_obj, self.method)
        twin = birth.twin()
        if twin is not None:
            fields["like"] = -1 - twin
        answer = channel.current().request(
            "process.start",
            text=process_obj.name[: channel.NAME_LIMIT],
            number=number,
            offset=worker,
            data=data,
            **fields,
        )
        self.task = int(answer.get("number", 0))
        birth.remember(self.task)
        self.pid = ending.pid_of(self.task)
        self.sentinel = sentinel_of(self.task)
        word: bytes = answer.get("data", b"")
        return word

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """The exit code, None while the process lives."""
        if self.returncode is None:
            answer = channel.current().request("process.poll", object=-1 - self.task)
            if answer.get("ok", True):
                self.returncode = int(answer.get("number", 0))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end; None if the time was up before that."""
        if self.returncode is None:
            how = clock.waiting(True, timeout)
            answer = channel.current().request("process.join", object=-1 - self.task, **how)
            if not answer.get("ok", True):
                clock.give_up(how, timeout)
                return None
            self.returncode = int(answer.get("number", 0))
        return self.returncode

    def _send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                ending.send_signal(self.task, number)

    def terminate(self) -> None:
        self._send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._send_signal(signal.SIGKILL)

    def interrupt(self) -> None:
        self._send_signal(signal.SIGINT)

    def close(self) -> None:
        """There is nothing to be closed."""


def _be_child(process_obj: Any, descriptor: int, task: int) -> NoReturn:
    """The life of a forked process, and its further lives."""
    parent = channel.current().process
    own = channel.adopt(descriptor, task)
    child = reuse.Child(process_obj, lambda: alike.Birth(process_obj, Popen.method).sight)
    key = draws.key_below(draws.key, process_obj._identity)
    while True:
        code = _live(process_obj, parent, key)
        if code or not child.may_run_again():
            ending.finish(code)
        own.request("process.exit", text="reusable")
        own.receive()
        own.begin(task)
        child.begin_again()


def _live(process_obj: Any, parent: int, key: int) -> int:
    """Run the process from its beginning to its exit code; `key` as in `draws`."""
    code = 1
    try:
        ending.born(ending.pid_of(parent))
        chance.reseed(key)
        if _RUNS_ATEXIT:
            atexit._clear()
            atexit.register(mp_util._exit_function)
        code = int(process_obj._bootstrap(parent_sentinel=sentinel_of(parent)))
    finally:
        try:
            if _RUNS_ATEXIT:
                atexit._run_exitfuncs()
        except BaseException:
            ending.finish(code)
    return code


frames.stop_at(_be_child.__code__)


class SpawnPopen(Popen):
    """A child that starts from a clean interpreter, and gets its process object pickled."""

    method = "spawn"

    def _launch(self, process_obj: Any) -> None:
        mp_spawn._check_not_importing_main()
        mp_context.set_spawning_popen(self)
        try:
            preparation = _preparation(process_obj)
            body = _dumps(process_obj)
            data = _dumps((preparation, body))
        finally:
            mp_context.set_spawning_popen(None)
        self._announce(process_obj, data)

    def duplicate_for_child(self, descriptor: int) -> int:
        uncontrolled.announce("handing over a file descriptor")

    DupFd = duplicate_for_child


class ForkServerPopen(SpawnPopen):
    """Likewise, from a server that was started clean."""

    method = "forkserver"


def _dumps(value: Any) -> bytes:
    return bytes(mp_context.reduction.ForkingPickler.dumps(value))


def _preparation(process_obj: Any) -> dict[str, Any]:
    """What a new interpreter is told before it meets its process object."""
    return {
        "name": process_obj.name,
        "authkey": mp_process.current_process().authkey,
        "argv": list(sys.argv),
        "path": list(sys.path),
        "method": mp_context._default_context.get_start_method(),
        "parent": channel.current().process,
        "elapsed": clock.elapsed(),
        "draw": draws.number,
        "key": draws.key_below(draws.key, process_obj._identity),
    }


def prepare(data: bytes) -> tuple[bytes, int]:
    """Make a clean process what its parent wants it to be; returns its pickled process object and the parent."""
    preparation, body = pickle.loads(data)
    here = mp_process.current_process()
    here.name = preparation["name"]
    here.authkey = preparation["authkey"]
    sys.argv, sys.path = preparation["argv"], preparation["path"]
    mp_context._default_context.set_start_method(preparation["method"], force=True)
    clock.start(preparation["elapsed"])
    draws.begin(preparation["draw"])
    chance.reseed(preparation["key"])
    ending.born(ending.pid_of(preparation["parent"]))
    return body, preparation["parent"]


def task_of(sentinel: object) -> int:
    """The task whose sentinel that is, -1 if it is none."""
    known = isinstance(sentinel, int) and _FIRST_SENTINEL <= sentinel < _FIRST_SENTINEL + _TASKS
    return int(sentinel) - _FIRST_SENTINEL if known else -1  # type: ignore[call-overload]


def _stdin_is_closed() -> None:
    """Processes here have no standard input from the start; to open another one costs more than to use a lock."""


def _hash(process: Any) -> int:
    """The same in every execution, so that a set of processes has the same order."""
    return hash(process._identity)


def install() -> None:
    """Replace what starts and awaits processes."""
    replace(mp_process.BaseProcess, __hash__=_hash)
    replace(mp_popen_fork, Popen=Popen)
    replace(mp_popen_spawn, Popen=SpawnPopen)
    replace(mp_popen_forkserver, Popen=ForkServerPopen)
    replace(mp_util, _close_stdin=_stdin_is_closed)
