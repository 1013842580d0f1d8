"""Frames from the untrusted side: bounded, checked, and never waited for without end."""

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.operations import Operation, OperationKind
from grader.runtime.protocol import (
    MAX_CREATED,
    MAX_FRAME,
    MESSAGES,
    Ended,
    Malformed,
    Message,
    Silent,
    Wire,
    pair,
)

Ends = tuple[Wire, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    wire, other = pair()
    with other:
        yield wire, other
    wire.close()


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


READ = json.dumps({"operation": {"kind": "memory.read", "object": 5, "number": 4}}).encode()


def test_a_frame_becomes_a_message(ends: Ends) -> None:
    wire, other = ends
    other.sendall(frame(READ))
    assert wire.receive(MESSAGES, 1) == Message(Operation(OperationKind.MEMORY_READ, 5, number=4))


def test_frames_may_come_in_pieces_or_together(ends: Ends) -> None:
    wire, other = ends
    both = frame(READ) * 2
    other.sendall(both[:3])
    with pytest.raises(Silent):
        wire.receive(MESSAGES, 0.01)
    other.sendall(both[3:20])
    with pytest.raises(Silent):
        wire.receive(MESSAGES, 0.01)
    other.sendall(both[20:])
    assert wire.receive(MESSAGES, 1) == wire.receive(MESSAGES, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"rubbish",
        b"{}",
        b"[" * 100_000,
        b'{"operation": {"kind": "no.such"}}',
        b'{"operation": {"kind": "memory.read", "object": "five"}}',
        b'{"operation": {"kind": "memory.read", "object": 1e400}}',
        b'{"operation": {"kind": "memory.read", "data": "!"}}',
        b'{"operation": {"kind": "memory.read", "text": "\xff"}}',
        b'{"operation": {"kind": "memory.read"}, "created": [{"object": 1}]}',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_what_does_not_fit_the_schema_is_malformed(body: bytes, ends: Ends) -> None:
    wire, other = ends
    other.sendall(frame(body) + frame(READ))
    with pytest.raises(Malformed) as caught:
        wire.receive(MESSAGES, 1)
    assert caught.value.raw == body[:65_536]
    assert wire.receive(MESSAGES, 1).operation.object == 5, "the next frame is whole"


def test_too_many_new_objects_are_malformed(ends: Ends) -> None:
    made = b",".join([b'{"object": 1, "kind": "lock"}'] * (MAX_CREATED + 1))
    wire, other = ends
    body = frame(b'{"operation": {"kind": "memory.read"}, "created": [' + made + b"]}")
    threading.Thread(target=other.sendall, args=(body,)).start()
    with pytest.raises(Malformed, match="length <= 10000"):
        wire.receive(MESSAGES, 5)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_one_of_three_errors(data: bytes) -> None:
    wire, other = pair()
    other.sendall(data)
    other.close()
    with pytest.raises((Malformed, Ended)):
        receive_all(wire)
    wire.close()


def receive_all(wire: Wire) -> None:
    for _ in range(100):
        wire.receive(MESSAGES, 0.01)


def test_a_promised_giant_is_refused_before_it_is_read(ends: Ends) -> None:
    wire, other = ends
    other.sendall(struct.pack(">I", MAX_FRAME + 1))
    with pytest.raises(Malformed, match="too large"):
        wire.receive(MESSAGES, 1)


def test_silence_lasts_as_long_as_was_asked_for(ends: Ends) -> None:
    started = time.monotonic()
    with pytest.raises(Silent):
        ends[0].receive(MESSAGES, 0.05)
    assert time.monotonic() - started >= 0.05


def test_a_closed_end_is_the_end(ends: Ends) -> None:
    wire, other = ends
    other.sendall(frame(READ)[:-1])
    other.close()
    with pytest.raises(Ended):
        wire.receive(MESSAGES, 1)
    with pytest.raises(Ended):
        wire.send({})


def send_on_and_on(wire: Wire) -> None:
    for _ in range(100_000):
        wire.send({"answer": "x" * 100})


def test_whoever_does_not_read_cannot_hold_up_the_sender(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    wire, _ = ends
    wire._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, 50_000))
    with pytest.raises(Ended):
        send_on_and_on(wire)
    wire._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 0, 0))
    with pytest.raises(Ended):
        wire.send({})  # it was given up, so this one does not even try: it would wait for ever


def test_a_descriptor_travels_with_its_frame(ends: Ends) -> None:
    wire, other = ends
    readable, writable = os.pipe()
    wire.send({"take": 1}, writable)
    data, rights, _, _ = socket.recv_fds(other, 1_000, 1)
    assert msgspec.json.decode(data[4:]) == {"take": 1}
    os.write(rights[0], b"through")
    assert os.read(readable, 10) == b"through"
    for descriptor in (readable, writable, *rights):
        os.close(descriptor)


def test_noise_is_bounded_and_needs_no_frame(ends: Ends) -> None:
    wire, other = ends
    other.sendall(b"Fatal Python error: Segmentation fault\n" + b"x" * 100_000)
    other.close()
    noise = wire.noise(1)
    assert noise.startswith(b"Fatal Python error")
    assert len(noise) == 65_536
