"""Moments at which clocks show numbers that the program itself names. Start at `moment`.

A branch on the clock is mostly one on a number of the source: an hour, a second of the minute, a day of the week, some
digits of the nanoseconds. No table of dates meets them by chance. So some draws (`draws.MOMENTS`) begin at a moment at
which as many fields as possible show such numbers, and with process ids that leave them as a remainder. What is counted
of a process (`usage`) is such a number as well.
"""

import datetime
import functools
from itertools import pairwise
from typing import NamedTuple

from grader.runtime.agent import constants

MOST = 8
"""So many moments for a program."""
_FIRST_DAY = datetime.date(2030, 1, 1)
_DAYS = 12 * 366
_EPOCH = datetime.date(1970, 1, 1)
_DAY = 86_400
_THOUSAND = 1_000
_LARGEST = 4_000_000_000
_LONGEST = 10 * 366 * _DAY
_YEARS = range(2024, 2100)


class Moment(NamedTuple):
    """What clocks show in the end: nanoseconds since 1970 and since the machine has started, those of computing.

    And which number comes up, for what is counted, and for process ids that are divided by `divisor`.
    """

    wall: int
    running: int
    computing: int
    number: int
    divisor: int


def how_many(source: str) -> int:
    """How many moments there are for a program; the others repeat these."""
    named = _named(source)
    fields = (_fitting(named, low, high) for low, high in _FIELDS)
    return max(1, min(MOST, max(len(_remainders(named, source)), *map(len, fields))))


@functools.lru_cache(4 * MOST)
def moment(source: str, number: int) -> Moment:
    """The moment of this number; a function of the program alone."""
    named = _named(source)
    year, month, day, weekday, hour, minute, second = (
        _pick(_fitting(named, low, high), number) for low, high in _FIELDS
    )
    remainders = _remainders(named, source)
    rest, divisor = remainders[number % len(remainders)]
    time = (hour or 0) * 3_600 + (minute or 0) * 60 + (second or 0)
    days = _day((year, month, day, weekday), (rest, divisor), time)
    whole = _pick([one for one in named if _YEARS_IN_SECONDS[0] <= one <= _YEARS_IN_SECONDS[1]], number)
    wall, running = days * _DAY + time if whole is None else whole, 3 * _DAY
    if (
        divisor != _THOUSAND and divisor <= _LONGEST
    ):  # a program that divides what a clock shows wants no more of it
        wall, running = (_congruent(start, rest, divisor) for start in (wall, running))
    computing = _exactly(rest if rest <= _LONGEST else 0, rest, divisor)
    units = sorted(one for one in constants.units(source) if 1 < one <= _LARGEST)
    wall, running = (_exactly(start, rest, divisor, _pick(units, number) or 1) for start in (wall, running))
    return Moment(wall, running, computing, rest, divisor)


_FIELDS = ((_YEARS[0], _YEARS[-1]), (1, 12), (1, 31), (0, 6), (0, 23), (0, 59), (0, 59))
"""Year, month, day, day of the week, hour, minute, second: the least and the largest."""
_YEARS_IN_SECONDS = (1_600_000_000, _LARGEST)


def _named(source: str) -> list[int]:
    """Numbers to be shown: those that the program names, then those next to these, and those between two of them."""
    named = sorted(one for one in constants.whole_numbers(source) if 0 <= one <= _LARGEST)
    between = [(low + high) // 2 for low, high in pairwise(named)]
    near = [one for number in named for one in (number - 1, number + 1)]
    return list(dict.fromkeys(one for one in (*named, *between, *near) if one >= 0)) or [0]


def _fitting(named: list[int], low: int, high: int) -> list[int]:
    return [one for one in named if low <= one <= high]


def _pick(fitting: list[int], number: int) -> int | None:
    return fitting[number % len(fitting)] if fitting else None


def _remainders(named: list[int], source: str) -> list[tuple[int, int]]:
    """What is to be left by which divisor, those first that the program divides by."""
    divisors = sorted(one for one in constants.divisors(source) if one > 1)
    found = [(one, divisor) for one in named for divisor in divisors if one < divisor]
    return found or [(one, _THOUSAND) for one in named if one < _THOUSAND] or [(0, _THOUSAND)]


def _congruent(least: int, rest: int, divisor: int) -> int:
    """The smallest number from `least` on that leaves `rest`."""
    return least + (rest - least) % divisor


def _exactly(seconds: int, rest: int, divisor: int, unit: int = 1) -> int:
    """These seconds in nanoseconds, with a fraction so that milli-, micro- and nanoseconds leave `rest`.

    As far as that is possible with three digits for each; and so that so many nanoseconds of a `unit` do.
    """
    found = seconds
    for _ in range(3):
        found *= _THOUSAND
        found = found + rest % _THOUSAND if divisor > _THOUSAND else _congruent(found, rest, divisor)
    return _congruent(found // unit, rest, divisor) * unit + found % unit


def _day(fields: tuple[int | None, ...], wanted: tuple[int, int], time: int) -> int:
    """The day, counted from 1970, on which most of year, month, day and day of the week are as wanted.

    Above all the seconds since 1970 should leave the remainder that is `wanted`, where that can be had.
    """
    year, month, day, weekday = fields
    rest, divisor = wanted
    first = _FIRST_DAY if year is None else datetime.date(year, 1, 1)
    best, found = -1, (first - _EPOCH).days
    for number in range(_DAYS):
        date = first + datetime.timedelta(number)
        since = (date - _EPOCH).days
        fits = 2 * (date.month == month) + 2 * (date.day == day) + 2 * (date.weekday() == weekday)
        fits += 8 * (date.year == year) + 8 * ((since * _DAY + time) % divisor == rest)
        if fits > best:
            best, found = fits, since
    return found
