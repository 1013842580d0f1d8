"""`multiprocessing.connection.wait`: for processes to end, for pipes to have something, and both.

Start at `wait`.
"""

import select
from collections.abc import Iterable
from typing import Any

from grader.runtime.agent import channel, clock, pipes, popen, synchronize, uncontrolled
from grader.runtime.agent.internals import mp_connection, replace


def wait(object_list: Iterable[Any], timeout: float | None = None) -> list[Any]:
    """Those of the objects that are ready, at least one unless the time was up. Raises KeyError if one comes twice."""
    objects = list(object_list)
    targets = [_target(item) for item in objects]
    for place, target in enumerate(targets):
        if target in targets[:place]:
            raise KeyError(f"{objects[place]!r} (FD {_number(objects[place])}) is already registered")
    if timeout is not None:
        timeout = 0.0 + timeout  # fails as Python's sum of the clock and a timeout that is no number
    how = clock.waiting(True, timeout)
    fields: dict[str, Any] = {"object": targets[0] // 2} if len(targets) == 1 and targets[0] >= 0 else {}
    kind = "pipe.wait" if any(target >= 0 for target in targets) else "process.wait"
    answer = channel.current().request(kind, targets=targets, **fields, **how)
    ready = set(answer.get("numbers", ()))
    if not ready:
        clock.give_up(how, timeout)
    return [item for item, target in zip(objects, targets) if target in ready]


def _number(item: Any) -> Any:
    return item if isinstance(item, int) else item.fileno()


def _target(item: Any) -> int:
    """A process or a pipe end, as an operation names it."""
    number = item.fileno() if isinstance(item, pipes.Connection) else item
    end = pipes.end_behind(number)
    task = popen.task_of(number)
    if end < 0 and task < 0:
        uncontrolled.announce("multiprocessing.connection.wait() for something else than a process or a pipe")
    return end if end >= 0 else -1 - task


_real_select = select.select


def _select(reading: Any, writing: Any, special: Any, timeout: float | None = None, /) -> Any:
    """`select.select`: of nothing it is a way to sleep, of anything else it asks the operating system."""
    if not channel.exists():
        return _real_select(reading, writing, special, timeout)
    if any(list(objects) for objects in (reading, writing, special)):
        uncontrolled.announce("select.select()")
    if timeout is None:
        synchronize.never()
    clock.sleep(timeout)
    return [], [], []


def install() -> None:
    """Replace the functions; `Connection.poll` uses the first one as well."""
    replace(mp_connection, wait=wait)
    replace(select, select=_select)
