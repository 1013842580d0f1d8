"""Guesses at what is behind an exception, from its type and its text. Start at `known_message`."""

from collections.abc import Callable

import msgspec

from grader.core.operations import Failure
from grader.grading.evidence import Facts
from grader.grading.hints_pool import has_pool

_MAIN_GUARD = 'Put what the program does under `if __name__ == "__main__":`.'


def _always(facts: Facts) -> bool:
    return True


class _Known(msgspec.Struct, frozen=True):
    type: str
    words: str
    help: str
    also: Callable[[Facts], bool] = _always


_KNOWN = (
    _Known(
        "AssertionError",
        "can only join a started process",
        "Call start() on every process before you join() it.",
    ),
    _Known(
        "AssertionError",
        "cannot start a process twice",
        "A Process can be started once. Make a new one for every call.",
    ),
    _Known(
        "TypeError",
        "missing",
        "`args=` must hold one value for each parameter of the function, in their order.",
        lambda facts: not facts.line and "positional argument" in facts.failure_message,
    ),
    _Known(
        "TypeError",
        "object is not iterable",
        "`args=` wants a tuple. With a single value that takes a comma: `args=(value,)`.",
        lambda facts: "args=" in facts.source.line(facts.line),
    ),
    _Known(
        "AttributeError",
        "'Lock' object has no attribute 'value'",
        "Here a lock stands where the shared value belongs. Compare the order of the arguments with that of the "
        "parameters.",
    ),
    _Known(
        "AttributeError",
        "'int' object has no attribute 'value'",
        "A plain number is copied into every process and shared by none. Make a multiprocessing.Value and pass that.",
    ),
    _Known(
        "AttributeError",
        "'SynchronizedArray' object has no attribute 'value'",
        "An Array of numbers has no `.value`. Its items are reached with an index: `array[i]`.",
    ),
    _Known(
        "TypeError",
        "'Synchronized' and",
        "The shared object is not a number itself. Its number is its `.value`.",
    ),
    _Known(
        "TypeError",
        "'float' object cannot be interpreted as an integer",
        "A Value with an integer typecode takes no float. Add 1 instead of 1.0: that is right for every typecode.",
    ),
    _Known(
        "TypeError", "this type has no size", "Value() takes the typecode first and the first value second."
    ),
    _Known(
        "IndexError",
        "invalid index",
        "An Array may have any length, 0 too. Loop over `range(len(array))`: its positions, and no others.",
    ),
    _Known(
        "AttributeError",
        "'Queue' object has no attribute",
        "A Queue is filled with put() and read with get().",
    ),
    _Known(
        "AttributeError",
        "'list' object has no attribute 'put'",
        "A list is copied into every process, so that changes are lost. Use a multiprocessing.Queue.",
    ),
    _Known(
        "",
        "pickle local object",
        "With the start method spawn, a target must stand at the top of the file: no lambda, no nested function.",
    ),
    _Known(
        "RuntimeError",
        "should only be shared between processes through inheritance",
        "Locks, queues and shared values cannot be arguments of the tasks of a pool. Give them to each worker when it "
        "starts: `Pool(initializer=..., initargs=(lock,))`.",
        has_pool,
    ),
    _Known(
        "EOFError",
        "EOF when reading a line",
        "Nobody sits at the keyboard when the grader runs the program. A function gets what it needs as arguments: "
        "leave out input().",
    ),
    _Known(
        "RecursionError",
        "maximum recursion depth",
        "A function calls itself without end, or more often than Python allows. A loop can go on as long as it likes.",
    ),
    _Known(
        "TypeError",
        "not supported between instances of",
        "Items may be of any types, and those of different types cannot be sorted. Nothing asks for it: take them as "
        "they come.",
        lambda facts: "sort" in facts.source.line(facts.line),
    ),
    _Known("RuntimeError", "bootstrapping phase", "A spawned process imports the file again. " + _MAIN_GUARD),
    _Known(
        "RuntimeError",
        "context has already been set",
        "set_start_method() may be called once in a program, and a spawned process imports the file again. Call it "
        'below `if __name__ == "__main__":`, or use `multiprocessing.get_context(...)` in its place.',
    ),
)


def known_message(facts: Facts) -> str:
    """What usually is behind an exception with this text."""
    for known in _KNOWN:
        fits = known.type in ("", facts.failure_type) and known.words in facts.failure_message
        if fits and facts.failure_type and known.also(facts):
            return known.help
    return ""


def help_for(failure: Failure) -> str:
    """The same for an exception of which nothing else is known."""
    for known in _KNOWN:
        if known.also is _always and known.type in ("", failure.type) and known.words in failure.message:
            return known.help
    return ""


def released_too_often(facts: Facts) -> str:
    """release() of a lock that is free."""
    if facts.failure_type != "ValueError" or "released too many times" not in facts.failure_message:
        return ""
    return (
        "The lock is given back when it is not taken: there are more calls of release() than of acquire(). The end of "
        "a `with lock:` block gives it back, too."
    )
