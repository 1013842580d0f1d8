"""Where in the submission this process is: the line of an operation, and a mark of the local state.

Start at `line_and_mark`. The line is that of the innermost frame of the submission; the mark is made of the frames of
the standard library as well, which may go through several operations in one line (`Barrier.wait` does). Frames below
the task's first one are never looked at because they belong to no submission, or to the process that was forked.
"""

import faulthandler
import inspect
import os
import signal
import sys
from collections.abc import Hashable, Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

_HERE = os.path.dirname(__file__) + os.sep
_files: set[str] = set()
_roots: set[CodeType] = set()
_visits: dict[Hashable, int] = {}
_PLAIN = (int, float, str, bytes, bool, type(None))
_CONTAINERS = (list, tuple, set, frozenset, dict)
_LOOK_INTO = 8
_clock: list[float] = [0.0]
_OPTIMIZED = inspect.CO_OPTIMIZED
_UNSEEN = 3
"""References to a frame's locals, as `sys.getrefcount` counts them, if the submission has none (by `locals()`)."""


def watch(filename: str) -> None:
    """Code compiled under `filename` is the submission's."""
    _files.add(filename)


def show_stack_on(descriptor: int) -> None:
    """On SIGUSR1, and if this process crashes, write the stack to `descriptor`: nobody else can be asked."""
    faulthandler.enable(file=descriptor, all_threads=False)
    faulthandler.register(signal.SIGUSR1, file=descriptor, all_threads=False)


def watched(filename: str) -> bool:
    """Whether code of this file is the submission's."""
    return filename in _files


def files() -> frozenset[str]:
    """The names of the submission's files."""
    return frozenset(_files)


def note_clock(now: float) -> None:
    """The task has looked at its (virtual) clock: from now on the time is part of what it knows."""
    _clock[0] = now


def stop_at(root: CodeType) -> None:
    """A function of ours that is the first one of a forked process."""
    _roots.add(root)


def memory() -> tuple[dict[Hashable, int], float]:
    """What marks depend on besides the frames, to be given back to `remember`."""
    return dict(_visits), _clock[0]


def remember(visits: Mapping[Hashable, int], clock: float) -> None:
    """Go on from an earlier state: how often each place was visited, and when the task looked at its clock last."""
    _visits.clear()
    _visits.update(visits)
    _clock[0] = clock


def forget() -> None:
    """Nothing has been visited yet."""
    remember({}, 0.0)


def _frames() -> Iterator[FrameType]:
    """The frames of the submission and of the library that it has called, without ours."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code not in _roots:
        if not frame.f_code.co_filename.startswith(_HERE):
            yield frame
        frame = frame.f_back


def line() -> int:
    """The line of the submission that is being executed, 0 if none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code not in _roots:
        if frame.f_code.co_filename in _files:
            return frame.f_lineno
        frame = frame.f_back
    return 0


def line_and_mark(what: Hashable) -> tuple[int, int]:
    """The line, and a number that is the same again only if the task's local state is.

    The first visit of a place gives 0: most operations are executed once, and a mark costs some microseconds.
    """
    here = line()
    site = (here, what)
    visits = _visits[site] = _visits.get(site, 0) + 1
    if visits == 1:
        return here, 0
    state = [_clock[0], *(_frame_state(frame) for frame in _frames())]
    return here, hash(tuple(state)) & 0x7FFF_FFFF_FFFF


def _frame_state(frame: FrameType) -> Hashable:
    local = frame.f_locals
    state: list[Hashable] = [frame.f_code.co_name, frame.f_lasti]
    state.extend(_summary(value, depth=1) for value in list(local.values()))
    if local is not frame.f_globals and frame.f_code.co_filename in _files:
        state.extend(_summary(value, depth=0) for value in list(frame.f_globals.values()))
    if frame.f_code.co_flags & _OPTIMIZED and type(local) is dict and sys.getrefcount(local) == _UNSEEN:
        # Up to Python 3.12 a copy that the frame keeps. What is deleted meanwhile must not live on in it.
        local.clear()
    return tuple(state)


def _summary(value: Any, depth: int) -> Hashable:
    kind = type(value)
    if kind in _PLAIN:
        return (kind.__name__, value)
    if kind in _CONTAINERS:
        items = list(value)[-_LOOK_INTO:] if depth else ()
        return (kind.__name__, len(value), *(_summary(item, 0) for item in items))
    content = (
        getattr(value, "__dict__", None) if depth and getattr(kind, "__module__", "") in sys.modules else None
    )
    if isinstance(content, dict) and len(content) <= _LOOK_INTO * 4:
        return (kind.__name__, *(_summary(item, 0) for item in content.values()))
    return kind.__name__
