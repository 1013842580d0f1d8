"""The threads of a controlled process: each is a task of its own. Start at `_start`, then `_live`.

Every thread is a real one, but only one of all tasks runs at a time: a new thread announces an operation before any
code of the submission, and from then on it stops at each operation like a process. What it does between two operations
nobody interrupts. `threading.Thread` and its subclasses stay Python's; replaced are the methods that start a thread,
wait for it and ask for it, and the end of the program, which waits for all.
"""

import _thread
import sys
import threading
from collections.abc import Callable
from concurrent.futures import thread as futures_thread
from typing import Any

from grader.runtime.agent import channel, clock, ending, frames, room, uncontrolled
from grader.runtime.agent.channel import Channel
from grader.runtime.agent.internals import mp_pool, replace

_Thread: Any = threading.Thread
_threading: Any = threading
_real_start: Callable[..., int] = _thread.start_new_thread
_is_over = -1
"""The process whose first thread has come to its end."""


class Handle:
    """`_thread._ThreadHandle` (from Python 3.13 on), of which little is needed here."""

    ident = 0

    def __init__(self) -> None:
        self._done = False

    def is_done(self) -> bool:
        return self._done

    def _set_done(self) -> None:
        self._done = True


def _start(self: Any) -> None:
    """`Thread.start`. Raises RuntimeError."""
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    here = channel.current()
    fields = {
        "text": self._name[: channel.NAME_LIMIT],
        "number": int(bool(self.daemon)),
        "offset": int(_is_worker(self)),
    }
    answer = here.request("thread.start", **fields)
    thread = channel.of_thread(here.take_descriptor(), int(answer.get("number", 0)))
    _become(self, thread.ident, ending.pid_of(thread.task))
    self._controlled = thread.process, thread.task
    self._started._flag = True
    _threading._active[thread.ident] = self
    channel.first().threads.append(self)
    if getattr(self, "_context", self) is None:  # Python 3.14, and nobody wants the starter's context
        del self._context
    try:
        _real_start(_live, ([self], thread))
    except RuntimeError:
        thread.close()
        uncontrolled.announce(room.NO_ROOM)


def _is_worker(thread: Any) -> bool:
    return getattr(thread, "_target", None) in (futures_thread._worker, mp_pool.worker)


def _become(thread: Any, ident: int, native_id: int) -> None:
    """Give a thread object its numbers."""
    thread._ident, thread._native_id = ident, native_id
    if hasattr(thread, "_handle"):
        thread._handle = Handle()
        thread._handle.ident = ident


def _live(box: list[Any], own: Channel) -> None:
    """The life of a thread. What it leaves behind is gone before its end is announced: others run after that."""
    own.request("thread.begin")
    failure = _run(box[0])
    _threading._active.pop(own.ident, None)
    _finish(box.pop())
    own.request(channel.THREAD_EXIT, **failure)
    channel.forget_thread(own)


frames.stop_at(_live.__code__)


def _run(thread: Any) -> dict[str, Any]:
    """Run a thread; what is to be told about the exception that ended it."""
    if _threading._trace_hook:
        sys.settrace(_threading._trace_hook)
    if _threading._profile_hook:
        sys.setprofile(_threading._profile_hook)
    context = getattr(thread, "_context", None)
    try:
        thread.run() if context is None else context.run(thread.run)
    except BaseException as error:
        unhandled = _threading.excepthook is _threading.__excepthook__ and not isinstance(error, SystemExit)
        error.__traceback__ = ending.outside(error.__traceback__)
        thread._invoke_excepthook(thread)
        return {"failure": ending.described(error)} if unhandled else {}
    return {}


def _finish(thread: Any) -> None:
    """What its `repr` says from now on."""
    if hasattr(thread, "_handle"):
        thread._handle._set_done()
    else:
        thread._is_stopped = True


def _task_of(thread: Any) -> int | None:
    """The task of a thread that this very process has started, None for any other."""
    process, task = getattr(thread, "_controlled", (-1, -1))
    return task if process == channel.current().process else None


def _join(self: Any, timeout: float | None = None) -> None:
    """`Thread.join`. Raises RuntimeError."""
    if not self._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    task = _task_of(self)
    if task is not None:
        _wait_for(task, timeout)
    elif self is threading.main_thread():
        uncontrolled.announce("threading.main_thread().join()")


def _wait_for(task: int, timeout: float | None = None) -> None:
    how = clock.waiting(True, timeout)
    answer = channel.current().request("thread.join", object=-1 - task, **how)
    if answer.get("ok", True):
        channel.current().joined.add(task)
    else:
        clock.give_up(how, timeout)


def _is_alive(self: Any) -> bool:
    """`Thread.is_alive`."""
    assert self._initialized, "Thread.__init__() not called"
    if self is threading.main_thread():
        return _is_over != channel.current().process
    task = _task_of(self) if self._started.is_set() else None
    if task is None:
        return False  # not started, or left behind in the process that was forked
    return not channel.current().request("thread.poll", object=-1 - task).get("ok", True)


def _shutdown() -> None:
    """`threading._shutdown`: wait for all threads but the daemons."""
    global _is_over
    if channel.exists() and _is_over == channel.current().process:
        return
    _threading._SHUTTING_DOWN = True
    for call in reversed(_threading._threading_atexits):
        call()
    if not channel.exists():
        return
    _is_over = channel.current().process
    _finish(threading.main_thread())
    known = 0
    threads = channel.first().threads
    while known < len(threads):
        thread, known = threads[known], known + 1
        if not thread.daemon and thread._controlled[1] not in channel.first().joined:
            _wait_for(thread._controlled[1])


def get_ident() -> int:
    """`threading.get_ident`: the same numbers in every execution."""
    return channel.current().ident if channel.exists() else channel.FIRST_IDENT


def get_native_id() -> int:
    """`threading.get_native_id`, likewise."""
    return ending.pid_of(channel.current().task) if channel.exists() else ending.getpid()


def _native_id(self: Any) -> int | None:
    """`Thread.native_id`."""
    assert self._initialized, "Thread.__init__() not called"
    return ending.getpid() if self is threading.main_thread() else self._native_id


def install() -> None:
    """Replace what a thread is started with, and its numbers."""
    main: Any = threading.main_thread()
    _threading._active.pop(main._ident)
    if hasattr(main, "_handle"):
        replace(_threading, _ThreadHandle=Handle)
    _become(main, channel.FIRST_IDENT, 0)
    _threading._active[main._ident] = main
    replace(_Thread, start=_start, join=_join, is_alive=_is_alive, native_id=property(_native_id))
    for function in (_start, _join, _is_alive):
        function.__name__ = function.__name__.removeprefix("_")
        function.__qualname__ = f"Thread.{function.__name__}"
    for module in (_threading, _thread):
        replace(module, get_ident=get_ident, get_native_id=get_native_id)
    replace(_threading, _shutdown=_shutdown)
