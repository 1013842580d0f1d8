"""Calls cost the same at any depth below a function with room."""

import resource
import sys
from collections.abc import Callable

import pytest

from grader.engine.stack import with_room

CALLS = 300
DEPTHS = range(300)
"""More than a block of the stack has frames."""


def leaf() -> object:
    """Its frame is larger than one of `at_depth`, so that there is a depth at which it does not fit."""
    a = b = c = d = e = f = g = h = i = j = k = l = m = n = o = p = q = r = s = t = u = v = None  # noqa: E741, F841
    return a


def at_depth(depth: int) -> int:
    """How often the system has given memory during many calls, that many calls below this one."""
    if depth:
        return at_depth(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        leaf()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def most(function: Callable[[int], int]) -> int:
    return max(function(depth) for depth in DEPTHS)


def test_with_room_no_call_asks_the_system_for_memory() -> None:
    assert with_room(lambda: most(at_depth))() < CALLS / 2


@pytest.mark.skipif(sys.version_info < (3, 11), reason="frames are no matter of blocks there")
def test_without_it_there_is_a_depth_at_which_every_call_does() -> None:
    assert most(at_depth) >= CALLS


def test_the_function_is_the_same() -> None:
    def add(one: int, other: int = 2) -> int:
        """Add two numbers."""
        return one + other

    roomy = with_room(add)
    assert (roomy(1), roomy(1, other=5)) == (3, 6)
    assert (roomy.__name__, roomy.__doc__) == ("add", "Add two numbers.")
