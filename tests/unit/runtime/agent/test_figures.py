"""A process is found by its channel, and what is told of it is its own."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from grader.runtime.agent.channel import DESCRIPTOR
from grader.runtime.agent.figures import Figures


@contextmanager
def process(body: Callable[[], object]) -> Iterator[tuple[int, int]]:
    """A child with a channel that does something for ever: the number of its socket, and its pid."""
    own, other = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(other.fileno(), DESCRIPTOR)
            own.close()
            own = None  # type: ignore[assignment]
            os.write(DESCRIPTOR, b"!")
            while True:
                body()
        finally:
            os._exit(1)
    number = os.fstat(other.fileno()).st_ino
    other.close()
    try:
        assert own.recv(1) == b"!"
        yield number, child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        own.close()


def sleep() -> None:
    signal.pause()


def compute() -> None:
    sum(range(1000))


def used(figures: Figures, number: int, seconds: float) -> None:
    """Look until the process has used so much; a process that uses CPU gets there however busy the machine is."""
    first = figures.of(number)["cpu"]
    while figures.of(number)["cpu"] - first < seconds:
        time.sleep(0.01)


def test_one_that_computes_and_one_that_sleeps_are_told_apart() -> None:
    figures = Figures()
    with process(sleep) as (sleeper, pid), process(compute) as (busy, _):
        used(figures, busy, 0.2)
        while not figures.of(sleeper)["asleep"]:
            time.sleep(0.01)
        before = figures.of(sleeper)
        used(figures, busy, 0.1)
        assert figures.of(sleeper) == before
        assert figures.find(sleeper) == pid
        assert not figures.of(busy)["asleep"] or figures.of(busy)["switches"] > 0


def test_what_a_child_uses_is_not_its_parent_s() -> None:
    figures = Figures()
    with process(sleep) as (parent, _), process(compute) as (child, _):
        while not figures.of(parent)["asleep"]:
            time.sleep(0.01)
        before = figures.of(parent)["cpu"]
        used(figures, child, 0.3)
        assert figures.of(parent)["cpu"] - before < 0.1


@pytest.mark.parametrize("number", [0, 1])
def test_a_channel_that_nobody_has_is_not_found(number: int) -> None:
    assert Figures().of(number) == {"found": False}


def test_a_process_that_is_gone_is_not_found() -> None:
    figures = Figures()
    with process(sleep) as (number, _):
        assert figures.of(number)["found"]
    assert figures.of(number) == {"found": False}
