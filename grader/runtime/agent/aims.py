"""Numbers that random ones are aimed at: those that the program itself names. Start at `part` and `whole`.

A branch on a random number is mostly one on a number of the source. So some draws (`draws.OF_CONSTANTS`) do not throw
blindly: they take a number that the functions which are asking name, or that their module does, and what lies around
and between these. Fuzzers do the same with the constants of a program.
"""

import opcode
import sys
from collections.abc import Iterator
from itertools import pairwise
from types import CodeType, FrameType

from grader.runtime.agent import frames

_DEEPEST = 6
"""Functions of the program that are looked at, from the one that asks outwards."""
_MOST = 12
"""Numbers that are aimed at in one throw."""
_LARGEST = 1_000
"""Nobody aims at one of more possible numbers: programs rely on it that two such are different."""
_NEAR = 2.0**-12
_SMALL: int | None = opcode.opmap.get("LOAD_SMALL_INT")


def part(value: float, turn: int) -> float:
    """In place of `value`, which is from 0 to 1, exclusively: near a number that the program names, or between two."""
    named = _named()
    points = sorted(one for one in named if 0 < one < 1)
    wholes = sorted(one for one in named if one >= 0 and one == int(one))
    scaled = [(one + 0.5) / limit for limit in wholes for one in wholes if 0 < one < limit - 1]
    between = [(low + high) / 2 for low, high in pairwise(points)]
    around = [near for point in points for near in (point - _NEAR * value, point + _NEAR * value)]
    aims = [one for one in (*between, *scaled, *around) if 0 < one < 1][:_MOST]
    return aims[turn % len(aims)] if aims else value


def whole(value: int, limit: int, turn: int) -> int:
    """In place of `value`, which is from 0 to `limit` - 1."""
    if limit > _LARGEST:
        return value
    named = sorted({int(one) for one in _named() if one == int(one)})
    fitting = {one - first for first in (0, *named) for one in named if 0 <= one - first < limit}
    aims = sorted(fitting - {0, limit - 1})[:_MOST]  # the ends have draws of their own
    return aims[turn % len(aims)] if aims else value


def _named() -> set[float]:
    """Numbers that the functions name which are asking, and the modules that they are in."""
    found: set[float] = set()
    for frame in _of_the_program(sys._getframe(2)):
        small = _small(frame.f_code) if _SMALL is not None else ()
        for value in (*frame.f_code.co_consts, *small, *frame.f_globals.values()):
            for one in value if isinstance(value, tuple) else (value,):
                if type(one) in (int, float) and abs(one) < 2**53:
                    found.add(one)
    return found


def _small(code: CodeType) -> bytes:
    """From Python 3.14 on small numbers stand in the instructions themselves."""
    return bytes(code.co_code[at + 1] for at in range(0, len(code.co_code), 2) if code.co_code[at] == _SMALL)


def _of_the_program(frame: FrameType | None) -> Iterator[FrameType]:
    found = 0
    while frame is not None and found < _DEEPEST:
        if frames.watched(frame.f_code.co_filename):
            found += 1
            yield frame
        frame = frame.f_back
