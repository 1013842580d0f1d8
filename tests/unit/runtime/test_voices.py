"""Who may speak on which channel, and how much."""

import os
import socket
import struct
from collections.abc import Iterator

import pytest

from grader.runtime import voices
from grader.runtime.protocol import MESSAGES, Malformed, Wire, pair
from grader.runtime.voices import Voices

SLEEP = b'{"operation": {"kind": "time.sleep"}}'
FRAME = struct.pack(">I", len(SLEEP)) + SLEEP


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    wire, other = pair()
    with other:
        yield wire, other
    wire.close()


def in_a_child(other: socket.socket, data: bytes) -> int:
    """Another process sends this; its process id."""
    child = os.fork()
    if child == 0:
        other.sendall(data)
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_the_kernel_says_who_has_sent_a_frame(ends: tuple[Wire, socket.socket]) -> None:
    wire, other = ends
    other.sendall(FRAME)
    wire.receive(MESSAGES, 1)
    assert (wire.senders, wire.size) == ({os.getpid()}, len(SLEEP))


def test_two_that_write_one_frame_together_are_both_known(ends: tuple[Wire, socket.socket]) -> None:
    wire, other = ends
    other.sendall(FRAME[:9])
    child = in_a_child(other, FRAME[9:])
    wire.receive(MESSAGES, 1)
    assert wire.senders == {os.getpid(), child}


def test_descriptors_that_are_sent_along_are_not_opened(ends: tuple[Wire, socket.socket]) -> None:
    wire, other = ends
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        socket.send_fds(other, [FRAME], [0, 1, 2])
        wire.receive(MESSAGES, 1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_nobody_speaks_for_another_process() -> None:
    heard = Voices()
    heard.hears(1, {100}, 1)
    heard.hears(2, {200}, 1)
    with pytest.raises(Malformed, match="another process"):
        heard.hears(2, {100, 200}, 1)
    with pytest.raises(Malformed, match="another process"):
        heard.hears(3, {200}, 1)


def test_the_threads_of_a_process_speak_for_it() -> None:
    heard = Voices()
    heard.hears(1, {100}, 1)
    heard.thread(2, 1)
    heard.thread(3, 2)
    heard.hears(2, {100}, 1)
    heard.hears(3, {100}, 1)
    with pytest.raises(Malformed):
        heard.hears(4, {100}, 1)


def test_the_number_of_a_process_that_has_ended_may_come_again() -> None:
    heard = Voices()
    heard.hears(1, {100}, 1)
    heard.thread(2, 1)
    heard.gone(2)
    with pytest.raises(Malformed):
        heard.hears(3, {100}, 1)
    heard.gone(1)
    heard.hears(4, {100}, 1)


def test_what_is_sent_altogether_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "MOST_BYTES", 100)
    heard = Voices()
    heard.hears(1, {100}, 60)
    with pytest.raises(Malformed, match="were sent"):
        heard.hears(2, {200}, 60)
