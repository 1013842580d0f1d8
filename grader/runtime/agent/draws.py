"""What a draw is: a number that decides every throw of chance in an execution, or moves its clock, or its hash seed.

Start at `begin`. Draw 0 is what every execution has that is told nothing else. Up to `OF_CHANCE` they are about random
numbers: first the extremes, since a program most likely has a branch there, then the numbers that it names itself, then
other seeds. The others leave chance
as in draw 0. The judge chooses, and its tokens hold the number; so these numbers never change their meaning.
"""

from grader.runtime.agent import aims, channel, moments
from grader.runtime.agent.moments import Moment

OF_CHANCE = 16
"""So many draws are about random numbers, the usual one included."""
OF_CONSTANTS = range(7, 13)
"""Those in which random numbers are aimed at what the program compares them with (`aims`)."""
_DAY = 86_400
CLOCKS = {
    16: (14_741 * _DAY + 25_341, 7_001 * _DAY + 11_003),
    17: (4_271 * _DAY + 45_713, 31 * _DAY + 47_111),
    18: (9_742 * _DAY + 71_999, 801 * _DAY + 3_607),
}
"""Draws in which the clock is ahead: by so many seconds that of the day, and that which only runs. Other years,
seasons, days of the week, hours."""
HASHES = {19: 1, 20: 2, 21: 5}
"""Draws with another hash seed, which a whole interpreter has: the judge starts one for it."""
STEADY = 22
"""The draw in which the clock does not hurry, however long somebody only waits: a look takes a millisecond."""
MOMENTS = range(23, 23 + moments.MOST)
"""Draws in which clocks, process ids and what is counted of a process are aimed at what the program names."""
HIGHEST = MOMENTS[-1]
_SECOND = 1_000_000_000
STARTS = Moment(1_700_000_000 * _SECOND, 10_000 * _SECOND, 50_000_000, 3, 0)
"""What clocks show when an execution begins, in the usual draw."""
FIRST_PID = 1_000
_MOST_PIDS = 2_000_000
"""The system has no more of them."""

CHANCE, SEEDED, CLOCK = 1, 2, 4
"""What a task has asked, as bits: chance, a generator with a seed of the program's own, the clock."""

EXTREMES = 16
"""So many throws of a process are extreme in an extreme draw. Then it is a usual one, so that every loop that waits for
a number comes to its end, and statistics come out as they do."""

AIMED = 64
"""Likewise of those that are aimed."""

number = 0
"""The draw of this execution."""
_program = ""
"""The source of the program."""
_starts: dict[int, Moment] = {0: STARTS}
"""What was computed already, by draw."""
key = 0
"""Tells this process from others: its place below the judge, then below each parent; not the number of its task,
which depends on what other executions came across before."""
_thrown = 0


def begin(draw: int) -> None:
    """This process, and what it will start, belongs to an execution with that draw."""
    global number
    number = draw


def begin_process(its_key: int) -> None:
    """A process begins, whose throws are its own."""
    global key, _thrown
    key, _thrown = its_key, 0


def key_below(parent: int, identity: tuple[int, ...]) -> int:
    """The key of a child, of which Python knows the `identity`: its place among its siblings comes last."""
    return parent * 1_009 + (identity[-1] if identity else 0)


def of_chance() -> int:
    """The number of the draw for what is about chance."""
    return number if number < OF_CHANCE else 0


def learn(source: str) -> None:
    """This is the program whose numbers are aimed at."""
    global _program
    _program = source
    _starts.clear()


def of_clock(draw: int) -> bool:
    """Whether a draw is about what the clock decides."""
    return draw in CLOCKS or draw in MOMENTS


def starts_of(source: str, draw: int) -> Moment:
    """What clocks show when an execution of this program begins under a draw."""
    if draw in MOMENTS:
        return moments.moment(source, draw - MOMENTS.start)
    wall, running = CLOCKS.get(draw, (0, 0))
    return STARTS._replace(wall=STARTS.wall + wall * _SECOND, running=STARTS.running + running * _SECOND)


def starts() -> Moment:
    """The same in this execution."""
    if number not in _starts:
        _starts[number] = starts_of(_program, number)
    return _starts[number]


def is_aimed() -> bool:
    """Whether this execution begins at a moment that the program names."""
    return number in MOMENTS


def first_pid() -> int:
    """The process id of the first process: its parent's leaves the number that comes up, if that is to be aimed at."""
    return pid_of(starts()) if is_aimed() else FIRST_PID


def pid_of(moment: Moment) -> int:
    """The first process id at a moment."""
    if moment.divisor > _MOST_PIDS:
        return FIRST_PID
    return FIRST_PID + (moment.number - FIRST_PID + 1) % moment.divisor


def asked(source: int) -> None:
    """The task asks for something that no order decides; the judge hears of it with its next operation."""
    channel.sources |= source


def extreme() -> bool | None:
    """Whether the next throw has to be high, or low; None if it may be anything."""
    global _thrown
    if not 1 <= number <= 6 or _thrown >= EXTREMES:
        return None
    _thrown += 1
    if number <= 2:
        return number == 2
    if number <= 4:
        return bool((key + number) % 2)
    return bool((_thrown + number) % 2)


def _aimed() -> int | None:
    """Which of the numbers to aim at is next; None if the next throw may be anything."""
    global _thrown
    if number not in OF_CONSTANTS or _thrown >= AIMED:
        return None
    _thrown += 1
    return key + (number - OF_CONSTANTS.start) + (_thrown - 1) * len(OF_CONSTANTS)


def whole(value: int, limit: int) -> int:
    """A throw from 0 to `limit` - 1, as the draw wants it.

    Of very many possible numbers an extreme one is still any of a thousandth: names drawn for several processes differ.
    """
    turn = _aimed()
    if turn is not None:
        return aims.whole(value, limit, turn)
    high = extreme()
    if high is None:
        return value
    return limit - 1 - (value >> 10) if high else value >> 10


def part(value: float) -> float:
    """A throw from 0 to 1, exclusively, as the draw wants it."""
    turn = _aimed()
    if turn is not None:
        return aims.part(value, turn)
    high = extreme()
    if high is None:
        return value
    near = value * 2.0**-20
    return min(1.0 - near, 1.0 - 2.0**-53) if high else near
