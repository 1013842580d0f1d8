"""Whatever comes over a channel, the judge gets a message of the schema, or one of three exceptions, in time."""

import json
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.runtime.free import FreeReport, NotAReport, decode
from grader.runtime.protocol import MESSAGES, Ended, Malformed, Message, Silent, Wire

SECONDS = 2.0
TEXTS = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x1b[2J", "\u202e", "\x00", "9" * 400, "NaN"]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, -(2**64), 1e308])
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(
    ["memory.read", "lock.acquire", "queue.put", "process.exit", "agent.uncontrolled", "x"]
)
FIELDS = st.sampled_from(
    ["object", "line", "value", "data", "number", "targets", "text", "block", "failure", "code"]
)
OPERATIONS = st.builds(
    lambda kind, fields: {"kind": kind, **fields}, KINDS, st.dictionaries(FIELDS, PLAIN, max_size=5)
)
ALMOST = st.builds(
    lambda operation, rest: {"operation": operation, **rest},
    OPERATIONS | PLAIN,
    st.dictionaries(st.sampled_from(["mark", "created", "updates", "out", "err"]), PLAIN, max_size=3),
)
LENGTHS = st.integers(0, 2**32 - 1)


def received(data: bytes) -> Message | type[Exception]:
    """What the judge makes of these bytes, after which the other side hangs up."""
    ours, theirs = socket.socketpair()
    wire = Wire(ours)

    def send() -> None:
        with theirs:
            theirs.sendall(data)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return wire.receive(MESSAGES, SECONDS)
    except (Ended, Malformed, Silent) as error:
        return type(error)
    finally:
        wire.close()
        sender.join()


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    result = received(data)
    assert result in (Ended, Malformed) or isinstance(result, Message)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_frame(body: bytes) -> None:
    result = received(framed(body))
    assert result is Malformed or isinstance(result, Message)


@settings(max_examples=400, deadline=None)
@given(ALMOST | PLAIN)
def test_any_document(document: Any) -> None:
    result = received(framed(json.dumps(document).encode("utf-8", "surrogatepass")))
    assert result is Malformed or isinstance(result, Message)
    if isinstance(result, Message):
        assert msgspec.json.decode(msgspec.json.encode(result), type=Message) == result


@settings(max_examples=100, deadline=None)
@given(LENGTHS, st.binary(max_size=50))
def test_any_length(length: int, body: bytes) -> None:
    result = received(struct.pack(">I", length) + body)
    assert result in (Ended, Malformed) or isinstance(result, Message)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | ALMOST.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_any_report_of_a_free_run(raw: bytes) -> None:
    with suppress(NotAReport):
        assert isinstance(decode(raw), FreeReport)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"operation":{"kind":'])
def test_an_abyss(opening: bytes) -> None:
    assert received(framed(opening * 200_000)) is Malformed
    with pytest.raises(NotAReport):
        decode(opening * 200_000)
