"""Which processor cores the judge and its processes run on.

A message between two processes of one core costs a tenth of one between two cores, and a controlled execution is
nothing but messages: `pinned`. Free runs are to run beside each other: `unpinned`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_CAN_PIN = hasattr(os, "sched_setaffinity")
_all_cores: set[int] = os.sched_getaffinity(0) if _CAN_PIN else set()


def cores() -> list[int]:
    """The cores that this thread may use now; [] where that cannot be told."""
    return sorted(os.sched_getaffinity(0)) if _CAN_PIN else []


@contextmanager
def pinned(core: int | None = None) -> Iterator[None]:
    """Keep this thread, and the processes that it starts meanwhile, on one core.

    Without `core`, graders that run at the same time choose different ones, more often than not.
    """
    if not _CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[os.getpid() % len(before)] if core is None else core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def unpinned() -> Iterator[None]:
    """Let this thread, and the processes that it starts meanwhile, use all cores again."""
    if not _CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _all_cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
