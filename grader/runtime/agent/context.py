"""The contexts and public functions of `multiprocessing`, adapted to control. Start at `install`.

Python's contexts look their parts up in the submodules when they are asked for them (`Lock` in `synchronize`,
`Popen` in `popen_fork`, …), so they stay as they are once those parts are replaced. What remains is here: the
default start method, functions that would ask the operating system, and the public names of the package.
"""

import os
from typing import Any

from grader.runtime.agent import channel, ending
from grader.runtime.agent.internals import mp, mp_context, mp_process, mp_util, replace

CPUS = 8
_default = mp_context._default_context
_real_active_children = mp_process.active_children
_real_getpid = os.getpid


def _children() -> list[Any]:
    """The children that this process has not seen end, in the order of starting.

    The servers of managers, which are no processes, come first; a fork does not inherit them.
    """
    found = sorted(mp_process._children, key=lambda child: child._popen.task if child._popen else 0)
    return [child for child in found if not _stands_in(child) or child._parent_pid == os.getpid()]


def _stands_in(child: Any) -> bool:
    return getattr(child._popen, "stands_in", False)


def active_children() -> list[Any]:
    """`multiprocessing.active_children`: one look at all children."""
    alive = set(channel.current().request("process.children").get("numbers", ()))
    for child in _children():
        if child._popen is None or not (_stands_in(child) or child._popen.task in alive):
            mp_process._children.discard(child)
    return _children()


def _no_cleanup() -> None:
    """Starting a process looks after zombies; there are none, and the look would be an operation."""


def _cpu_count() -> int:
    return CPUS


def _affinity(pid: int, /) -> set[int]:
    return set(range(CPUS))


def _replace_default(function: Any, old: object, new: object) -> None:
    """Put `new` where a function keeps `old` as the default of an argument."""
    function.__defaults__ = tuple(new if value is old else value for value in function.__defaults__)


def reset() -> None:
    """No start method has been chosen yet."""
    _default._actual_context = None


def install() -> None:
    """Adapt the contexts, then renew the names of the package."""
    _default._default_context = mp_context._concrete_contexts["fork"]
    base = mp_context.BaseContext
    base.active_children = staticmethod(active_children)
    replace(mp_process, active_children=active_children, _cleanup=_no_cleanup)
    _replace_default(mp_util._exit_function, _real_active_children, _children)
    _replace_default(mp_util.Finalize.__call__, _real_getpid, ending.getpid)
    for name in ("cpu_count", "process_cpu_count"):
        if hasattr(os, name):
            setattr(os, name, _cpu_count)
    replace(os, sched_getaffinity=_affinity)
    replace(mp, **{name: getattr(_default, name) for name in mp.__all__})
