"""How a controlled process leaves, and what it says about an exception that ended it. Start at `finish`.

Everything that ends a process comes through here, so that its exit is an operation like any other: the judge keeps
the exit code, and holds the process back until its queues are flushed.
"""

import atexit
import os
import signal
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, NoReturn

from grader.runtime.agent import channel, draws, frames, uncontrolled
from grader.runtime.agent.internals import mp_process, replace

_TYPE_LIMIT = 200
_MESSAGE_LIMIT = 2_000
_TRACEBACK_LIMIT = 8_000
_HERE = os.path.dirname(__file__) + os.sep

_leave, _real_getpid, _real_kill = os._exit, os.getpid, os.kill
_real_getppid = os.getppid
_real_print_exc = traceback.print_exc
_failure: dict[str, Any] | None = None
_parent_pid = draws.FIRST_PID - 1
_callbacks = -1
_last: list[BaseException] = []


def pid_of(task: int) -> int:
    """The number that student code sees as a task's process id."""
    return draws.first_pid() + task


def born(parent_pid: int) -> None:
    """This process is new: nothing has failed in it yet."""
    global _failure, _parent_pid, _callbacks
    _callbacks = atexit._ncallbacks()
    _failure, _parent_pid = None, parent_pid


def getpid() -> int:
    """`os.getpid`, virtual."""
    return pid_of(channel.current().process) if channel.exists() else _real_getpid()


def getppid() -> int:
    """`os.getppid`, virtual."""
    return _parent_pid if channel.exists() else _real_getppid()


def note_failure(error: BaseException) -> None:
    """Keep what is to be said about the exception that ends this process."""
    global _failure
    _failure = described(error)


def described(error: BaseException) -> dict[str, Any]:
    """What is to be said about an exception: a `Failure`, as fields."""
    line, place = 0, error.__traceback__
    while place is not None:
        if frames.watched(place.tb_frame.f_code.co_filename):
            line = place.tb_lineno
        place = place.tb_next
    return {
        "type": type(error).__name__[:_TYPE_LIMIT],
        "message": _message(error)[:_MESSAGE_LIMIT],
        "line": line,
        "traceback": _story(error)[-_TRACEBACK_LIMIT:],
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the class is the student's, and so is its __str__
        return "<no message: str() of the exception failed>"


def _story(error: BaseException) -> str:
    try:
        story = traceback.TracebackException(type(error), error, error.__traceback__)
        story.stack[:] = [place for place in story.stack if not place.filename.startswith(_HERE)]
        return "".join(story.format())
    except Exception:  # likewise
        return ""


def outside(place: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of ours that it starts with."""
    while place is not None and place.tb_next is not None:
        if not place.tb_frame.f_code.co_filename.startswith(_HERE):
            break
        place = place.tb_next
    return place


def _print_exc(limit: int | None = None, file: Any = None, chain: bool = True) -> None:
    """`traceback.print_exc`; when a process prints the exception that ends it, that one is kept for the judge."""
    if sys._getframe(1).f_code is mp_process.BaseProcess._bootstrap.__code__:
        error = sys.exc_info()[1]
        if error is not None:
            note_failure(error)
    _real_print_exc(limit, file, chain)


def exit_code(error: SystemExit) -> int:
    """What `sys.exit` meant, in words of the operating system; a message goes to stderr."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return int(error.code)
    sys.stderr.write(f"{error.code}\n")
    return 1


def report(error: BaseException) -> int:
    """Print the exception that ends a main process, keep it for the judge, and return the exit code."""
    if isinstance(error, SystemExit):
        return exit_code(error)
    note_failure(error)
    _last.append(
        error
    )  # Python keeps it (`sys.last_value`): what its frames hold stays open until the process ends
    try:
        error = error.with_traceback(outside(error.__traceback__))
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:  # a hook of the student's
        _real_print_exc()
    return 1


def leave_main(code: int) -> NoReturn:
    """End as an interpreter ends: `atexit` functions, among them the one that looks after the children."""
    if atexit._ncallbacks() == _callbacks and not mp_process._children and not _has_threads():
        finish(code)  # nothing of the student's is to be called, and nobody to be waited for
    try:
        vars(threading)["_shutdown"]()
        atexit._run_exitfuncs()
    finally:
        finish(code)


def _has_threads() -> bool:
    return channel.several() or threading.active_count() > 1


def finish(code: int, abrupt: bool = False) -> NoReturn:
    """Announce the exit (negative: by a signal), and leave for good."""
    number = code if -64 <= code < 0 and abrupt else code & 0xFF
    details: dict[str, Any] = {"failure": _failure} if _failure and number else {}
    channel.current().request("process.exit", number=number, block=not abrupt, **details)
    _leave(0)


def _exit(status: int) -> NoReturn:
    """`os._exit`."""
    if not channel.exists():
        _leave(status)
    finish(status & 0xFF, abrupt=True)


def die(number: int) -> NoReturn:
    """End as a signal ends a process."""
    finish(-int(number), abrupt=True)


def _abort() -> NoReturn:
    """`os.abort`."""
    die(signal.SIGABRT)


def _kill(pid: int, number: int, /) -> None:
    """`os.kill`, between virtual process ids. Raises ProcessLookupError."""
    if not channel.exists():
        return _real_kill(pid, number)
    task = pid - draws.first_pid()
    if task < 0:
        uncontrolled.announce(f"os.kill({pid}, ...) of a process outside the program")
    send_signal(task, int(number))
    return None


def send_signal(task: int, number: int) -> None:
    """Send a signal that ends a process. Raises ProcessLookupError if there is none of that number."""
    target, here = -1 - task, channel.current()
    if number == 0:
        answer = here.request("process.poll", object=target)
    elif number not in (signal.SIGTERM, signal.SIGKILL):
        uncontrolled.announce(f"the signal {signal.Signals(number).name}")
    elif task == here.process:
        die(number)
    else:
        answer = here.request("process.kill", object=target, number=number)
    if answer.get("error"):
        raise ProcessLookupError(3, "No such process")


def _raise_signal(number: int, /) -> None:
    """`signal.raise_signal`."""
    if signal.getsignal(number) is signal.SIG_DFL and channel.exists():
        die(number)
    _real_raise_signal(number)


_real_raise_signal = signal.raise_signal


def install() -> None:
    """Replace the ways out, and the process ids."""
    for name, function in {
        "getpid": getpid,
        "getppid": getppid,
        "kill": _kill,
        "_exit": _exit,
        "abort": _abort,
    }.items():
        function.__name__ = function.__qualname__ = name
        setattr(os, name, function)
    replace(signal, raise_signal=_raise_signal)
    replace(traceback, print_exc=_print_exc)
