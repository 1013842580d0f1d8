"""Room on Python's own stack for loops that make many calls. Start at `with_room`.

Since 3.11 Python keeps the frames of a thread in blocks of 16 kB. A call that does not fit into the last block has the
system give another one, which is given back when the call returns. So a loop that happens to run near the end of a
block pays for that with every call, and that may be more than what the calls do themselves. A frame that claims a lot
of room gets a large block, and all that is called below it fits into the rest.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_SLOTS = 2**14
"""A little more than half of a block of 256 kB; the other half is for the calls."""


def with_room(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, in which calls cost no more than what they do."""

    def roomy(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    roomy.__code__ = roomy.__code__.replace(co_stacksize=_SLOTS)
    return functools.wraps(function)(roomy)
