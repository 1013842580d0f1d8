"""What every process of a free run has in it besides the submission: short sleeps, its stack and its last exception.

Start at `prepare`. This file imports only the standard library and nothing of ours: a process started by `spawn` is
a new interpreter that cannot see this package, and gets a copy of the file, which its `enter` turns into the
submission. What is written here is a claim, read with bounds, and only ever shown.
"""

import faulthandler
import functools
import io
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any

SLEEP_DIVISOR = 100
LONGEST_SLEEP = 0.02
_FORKED, _SPAWNED = (0.004, 8), (0.15, 2)
"""How long, and how often, a process lingers: so long that the next one, which starts later, has read as well."""
_PAUSE, _PAUSES = 0.004, 60
"""How long a thread pauses at a line of the submission, and at how many lines."""
THREADS = ("thread", "Thread", "futures", "dummy")
"""Words without one of which a program starts no threads."""
FAILURE_PREFIX = "failure-"
STACKS = "stacks"
OUTPUT_LIMIT = 65_536
"""Bytes that one process may print on a stream; more is thrown away where it costs least."""
_LEFT_OUT = b"\n[more output was left out]\n"
_TEXT = 500
_TRACE = 4000

_sleep = time.sleep
_print_exception = traceback.print_exc
_prepared = False


def prepare(
    folder: str,
    filename: str,
    prefix: str,
    *,
    real_time: bool = False,
    spawned: bool = False,
    threads: bool = False,
) -> None:
    """Get this process, and what it forks, ready for a submission whose file is called `filename`.

    `folder` takes stacks and exceptions; `prefix` begins the name of every named semaphore and shared memory that is
    made from now on, so that it can be found afterwards. Sleeps are short, unless it is `real_time`. `spawned`: this
    is a new interpreter. `threads`: the submission may start some.
    """
    global _prepared
    if _prepared:
        return
    _prepared = True
    if not real_time:
        setattr(time, "sleep", _short_sleep)  # noqa: B010 - its type says more than it takes
    _linger_after_reading(*(_SPAWNED if spawned else _FORKED))
    recorder = _Recorder(folder, filename)
    traceback.print_exc = recorder.print_exc
    sys.excepthook = recorder.excepthook
    sys.stdout, sys.stderr = _bounded(1), _bounded(2, line_buffering=True)
    stacks = os.open(
        os.path.join(folder, STACKS), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
    _name_everything(prefix)
    if threads:
        _pause_between_lines(filename)


class _Bounded(io.FileIO):
    """A stream that takes everything and passes on the beginning."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._room = OUTPUT_LIMIT

    def write(self, data: Any, /) -> int:
        room, size = self._room, memoryview(data).nbytes
        if room >= 0:
            self._room -= size
            super().write(data if size <= room else bytes(data)[:room] + _LEFT_OUT)
        return size


def _bounded(descriptor: int, *, line_buffering: bool = False) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Bounded(descriptor))
    return io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=line_buffering)


def _short_sleep(seconds: float) -> None:
    """As `time.sleep`, in a hundredth of the time."""
    _sleep(min(seconds / SLEEP_DIVISOR, LONGEST_SLEEP) if seconds > 0 else seconds)


def _linger_after_reading(seconds: float, times: int) -> None:
    """Let a process that has looked at something shared rest for a moment, the first times.

    Whoever writes what it has computed from that, holding no lock, then overwrites what others have written meanwhile
    in nearly every run, and not in one of a hundred. Nothing else changes: any process may be kept from running there.
    """
    from multiprocessing import queues, sharedctypes

    value: Any = sharedctypes.Synchronized.__dict__["value"]
    lingering = property(_lingering(value.fget, seconds, times), value.fset, value.fdel, value.__doc__)
    setattr(sharedctypes.Synchronized, "value", lingering)  # noqa: B010 - it has no such type
    for owner, name in ((sharedctypes.SynchronizedArray, "__getitem__"), (queues.Queue, "empty")):
        setattr(owner, name, _lingering(vars(owner)[name], seconds, times))


def _lingering(look: Any, seconds: float, times: int) -> Any:
    pauses: dict[int, int] = {}

    def lingers(self: Any, *args: Any) -> Any:
        found = look(self, *args)
        here = os.getpid()  # a forked process begins anew
        if pauses.setdefault(here, 0) < times:
            pauses[here] += 1
            _sleep(seconds)
        return found

    lingers.__code__ = lingers.__code__.replace(co_name=look.__name__, co_filename=look.__code__.co_filename)
    return functools.update_wrapper(lingers, look, updated=())


def _pause_between_lines(filename: str) -> None:
    """Let the threads of a process rest between the lines of the submission, the first times.

    So two that look at a plain variable and then change it do so at the same time in nearly every run. Nothing else
    changes: any thread may be kept from running there.
    """
    paused: dict[tuple[int, int], int] = {}
    main = threading.get_ident()

    def each_line(frame: Any, event: str, argument: Any) -> Any:
        if event == "line" and len(threading._active) > 1:  # type: ignore[attr-defined]
            key = os.getpid(), threading.get_ident()
            paused[key] = paused.get(key, 0) + 1
            if paused[key] <= _PAUSES:
                _sleep(_pause(*key, paused[key], key[1] == main))
        return each_line

    def each_call(frame: Any, event: str, argument: Any) -> Any:
        return each_line if frame.f_code.co_filename == filename else None

    sys.settrace(each_call)
    threading.settrace(each_call)
    sys.gettrace = threading.gettrace = lambda: None


def _pause(process: int, thread: int, number: int, is_main: bool) -> float:
    """In half of the processes threads go in step, and the main one does not wait; in the others all is uneven."""
    if process % 2:
        return 0.0 if is_main else _PAUSE
    return random.Random(f"{process} {thread} {number}").choice((0.0, _PAUSE / 2, 2 * _PAUSE))


def _name_everything(prefix: str) -> None:
    from multiprocessing import process

    config: dict[str, Any] = getattr(process.current_process(), "_config", {})
    config["semprefix"] = f"/{prefix}"
    shared_memory = sys.modules.get("multiprocessing.shared_memory")
    if shared_memory is not None:
        setattr(shared_memory, "_SHM_NAME_PREFIX", f"/{prefix}")  # noqa: B010 - not in the type stubs


class _Recorder:
    """Writes down the exception that ends a process. `multiprocessing` prints it with `traceback.print_exc`."""

    def __init__(self, folder: str, filename: str) -> None:
        self._folder = folder
        self._filename = filename

    def print_exc(self, *arguments: Any, **options: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None:
            self._record(error)
        _print_exception(*arguments, **options)

    def excepthook(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        self._record(error)
        sys.__excepthook__(kind, error, trace)

    def _record(self, error: BaseException) -> None:
        import json

        try:
            path = os.path.join(self._folder, f"{FAILURE_PREFIX}{os.getpid()}")
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(descriptor, json.dumps(failure(error, self._filename)).encode("ascii"))
            os.close(descriptor)
        except Exception:
            return  # a second exception, or no way to write: it is on stderr besides


def failure(error: BaseException, filename: str) -> dict[str, Any]:
    """An exception as plain data: type, message, traceback, and the innermost line in `filename`."""
    line, tail, trace = 0, "", error.__traceback__
    try:
        while trace is not None and trace.tb_frame.f_code.co_filename != filename:
            trace = trace.tb_next
        for frame, number in traceback.walk_tb(trace):
            if frame.f_code.co_filename == filename:
                line = number
        if isinstance(error, SyntaxError) and error.filename == filename:
            line = error.lineno or line
        tail = "".join(traceback.format_exception(type(error), error, trace, limit=-12))
        message = str(error)
    except BaseException:  # the exception's own methods are student code
        message = "an exception that cannot be shown"
    name = str(type(error).__name__)
    texts = {"type": name[:_TEXT], "message": message[:_TEXT], "traceback": tail[-_TRACE:]}
    return {"line": line, **{key: _clean(text) for key, text in texts.items()}}


def _clean(text: str) -> str:
    """Lone surrogates are no characters, and no decoder of JSON takes them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def enter(contents: dict[str, Any], settings: Mapping[str, str]) -> None:
    """Become the submission: called at the import of the file that stands for it in a new interpreter."""
    import importlib
    import io
    import linecache

    filename = settings["filename"]
    with open(settings["source"], encoding="utf-8", newline="") as file:
        source = file.read()
    if "shared_memory" in source:
        importlib.import_module("multiprocessing.shared_memory")
    real_time = bool(settings["real_time"])
    threads = any(word in source for word in THREADS)
    prepare(
        settings["folder"], filename, settings["prefix"], real_time=real_time, spawned=True, threads=threads
    )
    linecache.cache[filename] = (len(source), None, io.StringIO(source).readlines(), filename)
    contents["__file__"] = filename
    exec(compile(source, filename, "exec", dont_inherit=True), contents)
