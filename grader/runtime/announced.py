"""What a process may say that it uses, and cannot be controlled: a closed list. Start at `known`.

The agent announces such a use by a name, which is shown to the student in a sentence of ours. Student code can speak on
the channel as well, so a name that is not on the list is not shown, and nothing follows from it but that it cannot be
judged. `tests/unit/runtime/test_announced.py` keeps the list complete.
"""

import re

from grader.runtime.agent import files, uncontrolled

UNNAMED = "something that it does not name"
"""Shown in place of any other name."""

_FIXED = frozenset(
    {
        "Queue.empty() after close() and before join_thread()",
        "a bit field in shared memory",
        "a callback of a future that uses shared objects",
        "a callback of a pool that uses shared objects",
        files.SHARED,
        "a manager's Condition with something else than a manager's Lock",
        "a map() of a pool with several tasks that raise an exception",
        "a method of a manager's object that uses another shared object",
        "a pool in another process or thread than the one that made it",
        "an iterable of a pool that uses shared objects",
        "closing a Connection by the collection of a reference cycle",
        "computing for long while callbacks of a Pool are due",
        "concurrent.futures.Future.running()",
        "handing over a file descriptor",
        "looking for results of a pool in a way that its source does not show",
        "mmap.mmap()",
        "multiprocessing.connection.Connection() of a file descriptor",
        "multiprocessing.connection.wait() for something else than a process or a pipe",
        "multiprocessing.sharedctypes.synchronized() of an object of one's own",
        "os.open() of a file for writing",
        "passing on an iterator of a manager's dict",
        "receiving from a pipe after an incomplete message",
        "select.select()",
        "sending a Connection to a running process",
        "shared memory cast to several dimensions",
        "shared memory first used in a forked child, whose end would remove it",
        "shutdown() of a manager's queue",
        "socket.socket()",
        "starting a manager, whose server gets copies of the open pipe ends",
        "the action of a manager's Barrier",
        "the buffer of shared memory (SharedMemory.buf)",
        "the buffer of shared memory (get_obj())",
        "the initializer of a manager",
        "the memory map of shared memory",
        "threading.main_thread().join()",
        "toreadonly() of shared memory",
        "waiting for something else while callbacks of a pool are due",
        "waiting for something else while workers of a pool may have to be replaced",
        "waiting for the end of a manager's process",
        "waiting for the futures of several executors at a time",
    }
)
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,60}"
_LARGE = (
    "a task or a result of a pool|an object of a manager|a message in a pipe|shared memory|an item on a queue"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"({_LARGE}) of [0-9,]{{1,30}} bytes",
        r"open\(\) of a file for writing \(mode '[rwxabtU+]{1,6}'\)",
        r"signal\.signal\(SIG[A-Z0-9]{1,10}, \.\.\.\)",
        r"the signal SIG[A-Z0-9]{1,10}",
        r"os\.kill\(-?[0-9]{1,20}, \.\.\.\) of a process outside the program",
        r"a pool with more than [0-9,]{1,12} tasks at a time",
        rf"a {_NAME} of a manager, which cannot be pickled",
        rf"the {_NAME} of a manager",
        rf"a pointer in shared memory \({_NAME}\)",
        rf"ctypes\.{_NAME}\(\) of shared memory",
        r"concurrent\.futures\.(Future\.add_done_callback|wait)\(\) by another name",
        r"multiprocessing\.managers\.BaseManager\.(get_server|connect|_debug_info|_number_of_objects)\(\)",
        rf"{_NAME}(\.{_NAME})?\(\) on a Connection",
        rf"{_NAME}\._(reader|writer)\.{_NAME}",
    )
)


def known(text: str) -> str:
    """The text of an announcement, if it is one that the agent makes; else `UNNAMED`."""
    if text in _FIXED or text in uncontrolled.GUARDED:
        return text
    return text if any(pattern.fullmatch(text) for pattern in _PATTERNS) else UNNAMED
