"""Virtual time: the clocks that student code reads, and how long it waits. Start at `sleep` and `waiting`.

The clock belongs to one process, is inherited at a fork, and moves only when its process sleeps, gives up waiting
or looks: a loop that waits for a deadline must reach it, so every look takes a millisecond, and twice as long as the
one before if the process has only waited in vain between the two. So any deadline comes after few rounds, and the
clock stays a function of what its process has done. In the draw `STEADY` it never hurries so. The standard library
looks without moving it (a log record's time stamp tells the student's code nothing).
"""

import math
import operator
import os
import sys
import time as _time
from collections.abc import Callable
from types import FrameType
from typing import Any

from grader.runtime.agent import channel, draws

_SECOND = 1_000_000_000
_TICK = 1_000_000
_LATEST = 2**53
"""Milliseconds beyond which the judge need not know more."""
_MOST_DOUBLINGS = 22
_LATE = 1e-6
_LONGEST = 2**63 // _SECOND - 1

_LIBRARY = os.path.dirname(os.__file__) + os.sep
_library_files: dict[str, bool] = {}
_elapsed = 0
_in_vain = 0
"""How many looks in a row came after nothing but waiting."""
_asked_before = _gained_before = 0
"""What the channel counted at the last look."""
after_pause: list[Callable[[], None]] = []
"""What a process has to look after when it has slept."""

_real_localtime, _real_gmtime = _time.localtime, _time.gmtime
_real_ctime, _real_strftime = _time.ctime, _time.strftime


def start(elapsed: int = 0) -> None:
    """Set the clock, in nanoseconds since the execution's beginning."""
    _resume((elapsed, 0, 0, 0))


def elapsed() -> int:
    """Nanoseconds since the execution's beginning, as this process counts them."""
    return _elapsed


def _state() -> tuple[int, int, int, int]:
    return _elapsed, _in_vain, _asked_before, _gained_before


def _resume(state: tuple[int, int, int, int]) -> None:
    global _elapsed, _in_vain, _asked_before, _gained_before
    _elapsed, _in_vain, _asked_before, _gained_before = state


channel.of_each_thread.append((_state, _resume))


def _milliseconds() -> int:
    return min(_elapsed // _TICK, _LATEST)


channel.clock = _milliseconds


def advance(seconds: float) -> None:
    """Let time go by unseen."""
    global _elapsed
    _elapsed += int(min(seconds, _LONGEST) * _SECOND)


def waiting(block: object, timeout: float | None) -> dict[str, bool]:
    """How a call with these two arguments waits, as fields of its operation. Raises TypeError as C code does."""
    if not block:
        return {"block": False}
    if timeout is None:
        return {}
    math.fabs(timeout)  # a timeout that is no number fails with the words that the C code uses
    return {"timed": True} if timeout > 0 else {"block": False}


def give_up(fields: dict[str, bool], timeout: float | None) -> None:
    """A call that waited as `waiting` said was told that its time is up.

    It hears so a little late, as ever: a loop that goes on waiting for what is left of its time must come to an end,
    whatever the rounding.
    """
    if timeout is not None and fields.get("timed"):
        advance(timeout + _LATE)


def sleep(seconds: Any, /) -> None:
    """`time.sleep`: only lets the others go first. Raises TypeError, ValueError, OverflowError as the real one."""
    if not isinstance(seconds, (int, float)):
        seconds = operator.index(seconds)
    if math.isnan(seconds):
        raise ValueError("Invalid value NaN (not a number)")
    if seconds > _LONGEST:
        raise OverflowError("timestamp too large to convert to C PyTime_t")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    pause(seconds)


def pause(seconds: float) -> None:
    """Announce that this process does nothing for a while."""
    channel.current().request("time.sleep", number=round(seconds * 1000))
    advance(seconds)
    for look in after_pause:
        look()


def from_library(filename: str) -> bool:
    """Whether a file is one of the standard library's."""
    known = _library_files.get(filename)
    if known is None:
        inside = filename.startswith((_LIBRARY, "<frozen")) and "site-packages" not in filename
        known = _library_files[filename] = inside
    return known


def _look(caller: FrameType | None = None) -> int:
    """The time for `caller`, without one for whoever called the clock function that calls this."""
    global _elapsed
    caller = caller or sys._getframe(2)
    if not from_library(caller.f_code.co_filename):
        _elapsed += _TICK << _looks_in_vain()
        draws.asked(draws.CLOCK)
        return _elapsed - _TICK if draws.is_aimed() else _elapsed  # it begins with what it is aimed at
    return _elapsed


def _looks_in_vain() -> int:
    """How often in a row, this time included, the task has only waited since it looked last."""
    global _in_vain, _asked_before, _gained_before
    if not channel.exists() or draws.number == draws.STEADY:
        return 0
    here = channel.current()
    if here.gained != _gained_before or not _asked_before:
        _in_vain = 0
    elif here.asked != _asked_before:
        _in_vain = min(_in_vain + 1, _MOST_DOUBLINGS)
    else:
        return 0
    _asked_before, _gained_before = here.asked, here.gained
    return _in_vain


def _start(kind: str) -> int:
    """What a clock shows when an execution begins, in nanoseconds."""
    starts = draws.starts()
    return {"wall": starts.wall, "monotonic": starts.running, "cpu": starts.computing}[kind]


def time_for(caller: FrameType) -> float:
    """The time of day, for a function of another module that shows it to `caller`."""
    return (_start("wall") + _look(caller)) / _SECOND


def computing_for(caller: FrameType) -> float:
    """How long the process has computed, likewise."""
    return (_start("cpu") + _look(caller)) / _SECOND


def _clock(name: str, kind: str) -> tuple[Callable[[], float], Callable[[], int]]:
    def seconds() -> float:
        return (_start(kind) + _look()) / _SECOND

    def nanoseconds() -> int:
        return _start(kind) + _look()

    seconds.__name__ = seconds.__qualname__ = name
    nanoseconds.__name__ = nanoseconds.__qualname__ = f"{name}_ns"
    return seconds, nanoseconds


time, time_ns = _clock("time", "wall")
monotonic, monotonic_ns = _clock("monotonic", "monotonic")
perf_counter, perf_counter_ns = _clock("perf_counter", "monotonic")
process_time, process_time_ns = _clock("process_time", "cpu")
thread_time, thread_time_ns = _clock("thread_time", "cpu")


def clock_gettime_ns(clock: int, /) -> int:
    """`time.clock_gettime_ns`, for every clock that tells an absolute or a running time."""
    return _start("wall" if clock == _time.CLOCK_REALTIME else "monotonic") + _look()


def clock_gettime(clock: int, /) -> float:
    """`time.clock_gettime`, likewise."""
    return (_start("wall" if clock == _time.CLOCK_REALTIME else "monotonic") + _look()) / _SECOND


def _wall() -> float:
    if not from_library(sys._getframe(2).f_code.co_filename):
        draws.asked(draws.CLOCK)
    return (_start("wall") + _elapsed) / _SECOND


def localtime(seconds: float | None = None, /) -> _time.struct_time:
    """`time.localtime`, of the virtual present if no time is given."""
    return _real_localtime(_wall() if seconds is None else seconds)


def gmtime(seconds: float | None = None, /) -> _time.struct_time:
    """`time.gmtime`, of the virtual present if no time is given."""
    return _real_gmtime(_wall() if seconds is None else seconds)


def ctime(seconds: float | None = None, /) -> str:
    """`time.ctime`, of the virtual present if no time is given."""
    return _real_ctime(_wall() if seconds is None else seconds)


def strftime(pattern: str, when: Any = None, /) -> str:
    """`time.strftime`, of the virtual present if no time is given."""
    return _real_strftime(pattern, _real_localtime(_wall()) if when is None else when)


NAMES = (
    *("sleep", "time", "monotonic", "perf_counter", "process_time", "thread_time"),
    *("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns", "thread_time_ns"),
    *("clock_gettime", "clock_gettime_ns", "localtime", "gmtime", "ctime", "strftime"),
)

_COPIES = (
    ("threading", "_time", monotonic),
    ("queue", "time", monotonic),
    ("sched", "_time", monotonic),
    ("timeit", "default_timer", perf_counter),
)


def install() -> None:
    """Replace the names in `time`, and the copies that the standard library took of them."""
    for name in NAMES:
        setattr(_time, name, globals()[name])
    for module, copied, function in _COPIES:
        if module in sys.modules:
            setattr(sys.modules[module], copied, function)
