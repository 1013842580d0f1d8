"""What the system counts of a process: `resource.getrusage`, `os.times`, `os.getloadavg`. Start at `getrusage`.

How much a process has computed, and how often it had to wait, is chance. So it is told by the virtual clock, and aimed
at what the program names in some draws (`moments`), as the clock is.
"""

import os
import resource
import sys
from typing import Any

from grader.runtime.agent import channel, clock, draws
from grader.runtime.agent.internals import replace

_TIMES = 2
_FIELDS = 16
_MEMORY = 2
"""Where the memory stands in what `getrusage` tells, in kilobytes."""
_SYSTEM_SHARE = 8
_KILOBYTES = 12_000
_real_usage, _real_times, _real_load = resource.getrusage, os.times, os.getloadavg


def getrusage(who: int, /) -> Any:
    """`resource.getrusage`: what is counted is one number, the memory that and some more."""
    if not channel.exists():
        return _real_usage(who)
    _real_usage(who)  # whether there is anybody like that
    computed = clock.computing_for(sys._getframe(1))
    number = draws.starts().number
    told = [computed, computed / _SYSTEM_SHARE, *([number] * (_FIELDS - _TIMES))]
    told[_MEMORY] = _KILOBYTES + number
    return resource.struct_rusage(told)


def times() -> Any:
    """`os.times`."""
    if not channel.exists():
        return _real_times()
    computed = clock.computing_for(sys._getframe(1))
    return os.times_result((computed, computed / _SYSTEM_SHARE, 0.0, 0.0, clock.monotonic()))


def getloadavg() -> tuple[float, float, float]:
    """`os.getloadavg`."""
    if not channel.exists():
        return _real_load()
    clock.computing_for(sys._getframe(1))
    load = float(draws.starts().number)
    return load, load, load


def install() -> None:
    """Replace the three."""
    replace(resource, getrusage=getrusage)
    replace(os, times=times, getloadavg=getloadavg)
