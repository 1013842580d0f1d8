"""Items come from a submission: nothing that is in them is executed, and what they are is told exactly."""

import os
import pickle
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.operations import NO_OBJECT
from grader.grading.values import (
    OPAQUE,
    THINGS,
    brief,
    counted_up,
    decode_items,
    decode_memory,
    encode_memory,
    item_size,
    limits,
    plain_pickle,
    same,
    show,
    unpickle,
)
from grader.primitives.memory import MemoryState

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain, st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_data_comes_through(value: Any, protocol: int) -> None:
    assert same(unpickle(pickle.dumps(value, protocol)), value)


@given(st.binary(max_size=200))
def test_rubbish_never_raises(data: bytes) -> None:
    unpickle(data)


@given(plain, st.data())
def test_damaged_pickles_never_raise(value: Any, data: st.DataObject) -> None:
    pickled = bytearray(plain_pickle(value))
    pickled[data.draw(st.integers(0, len(pickled) - 1))] = data.draw(st.integers(0, 255))
    unpickle(bytes(pickled))


class MakesFolder:
    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_item_that_would_run_code_is_opaque(protocol: int, tmp_path: Path) -> None:
    folder = tmp_path / "bitten"
    assert unpickle(pickle.dumps(MakesFolder(folder), protocol)) is OPAQUE
    assert not folder.exists()
    assert pickle.loads(pickle.dumps(MakesFolder(folder), protocol)) is None
    assert folder.exists(), "the item does bite an unpickler that resolves globals"


@pytest.mark.parametrize(
    "value", [Fraction(1, 2), len, object, [1, Fraction(1, 2)], {"a": Path("b")}, 1j, range(3)], ids=repr
)
def test_what_needs_a_global_is_opaque(value: Any) -> None:
    assert unpickle(pickle.dumps(value)) is OPAQUE


def test_persistent_references_are_opaque() -> None:
    assert unpickle(b"Pname\n.") is OPAQUE
    assert repr(unpickle(b"Pname\n.", references=True)) == "a manager's object"


@pytest.mark.parametrize(
    ("opcodes", "what"),
    [
        (b"\x80\x04" + b"(" * 100_000 + b"l" * 100_000 + b".", "depth"),
        (b"\x80\x04\x8a\xff" + b"\xff" * 255 + b".", "a long number"),
        (b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.", "bytes that are not there"),
        (b"\x80\x04r\xff\xff\xff\x7f.", "a far place of the memo"),
    ],
    ids=lambda what: what if isinstance(what, str) else "",
)
def test_a_bomb_costs_little(opcodes: bytes, what: str) -> None:
    started = time.process_time()
    unpickle(opcodes)
    assert time.process_time() - started < 2


def nested_tuples_as_key(depth: int) -> bytes:
    """A tuple of twice the same tuple, `depth` times over, as a key: to hash it takes 2**depth steps."""
    twice = b"".join(b"h" + bytes([level]) + b"\x86\x94" for level in range(depth))
    return b"\x80\x04})\x94" + twice + b"Ns."


def test_the_exponential_key_is_what_it_is_said_to_be() -> None:
    assert pickle.loads(nested_tuples_as_key(2)) == {(((), ()), ((), ())): None}


def test_an_exponential_key_is_opaque_at_once() -> None:
    started = time.process_time()
    assert unpickle(nested_tuples_as_key(60)) is OPAQUE
    assert time.process_time() - started < 1


def test_repeated_keys_and_tuples_of_usual_data_come_through() -> None:
    pair = (1, 2)
    value = [{"id": number, "at": (number, pair)} for number in range(20)]
    assert unpickle(pickle.dumps(value)) == value


def test_a_huge_item_is_opaque() -> None:
    assert unpickle(plain_pickle("x" * 2**24)) is OPAQUE
    assert unpickle(plain_pickle("x" * 2**20)) == "x" * 2**20


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1, True),
        (True, 1),
        (1, 1.0),
        (0, False),
        (0, ""),
        ("", b""),
        ([], ()),
        ([1], [True]),
        ({}, []),
        (None, 0),
    ],
)
def test_different_types_are_never_the_same(got: Any, expected: Any) -> None:
    assert not same(got, expected)
    assert not same([got], [expected])
    assert not same({"key": got}, {"key": expected})


@given(plain)
def test_a_value_is_the_same_as_its_copy(value: Any) -> None:
    assert same(pickle.loads(pickle.dumps(value)), value)


def test_more_items_are_not_the_same() -> None:
    assert not same([1, 2, 3], [1, 2])
    assert not same({"a": 1, "b": 2}, {"a": 1})
    assert not same({"b": 1}, {"a": 1})


def test_a_depth_of_got_does_not_matter() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert not same(deep, [[1]])
    assert show(deep) == "[[[[…]]]]"


@given(st.one_of(plain, st.lists(st.integers(), min_size=13)), st.integers(5, 80))
def test_shown_values_are_short(value: Any, limit: int) -> None:
    assert 0 < len(show(value, limit)) <= limit


def test_what_is_shown() -> None:
    assert show(10**100) == "a huge number"
    assert show("x" * 20) == repr("x" * 20)
    assert show("x" * 100) == "'" + "x" * 41 + "… (100 characters)"
    assert show([1, "a", None, (2.5, True)]) == "[1, 'a', None, (2.5, True)]"
    assert show(OPAQUE) == "an object"
    assert show(list(range(20))) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …] (20 items)"


def test_what_is_shown_in_a_witness() -> None:
    assert brief("x" * 24) == repr("x" * 24)
    assert brief("x" * 70_000) == "'" + "x" * 24 + "…' (70,000 characters)"
    assert brief(b"x" * 30) == "b'" + "x" * 24 + "…' (30 bytes)"
    assert brief(list(range(7))) == "[0, 1, 2, 3, 4, 5, …] (7 items)"
    assert brief(["x" * 50, 1]) == "['" + "x" * 24 + "…', 1]"
    assert brief(["x" * 24] * 4) == "['xxxxxxxxxxxxxxxxxxxxxxxx', 'xxxxxxxxxxxxxxxxxxx… (4 items)"


@pytest.mark.parametrize(
    ("typecode", "values"),
    [("i", [-3]), ("d", [0.5, -1.25]), ("B", [255]), ("q", [2**40]), ("l", [7]), ("h", [-1, 2]), ("i", [])],
)
def test_memory_is_laid_out_as_ctypes_does(typecode: str, values: list[Any]) -> None:
    data = encode_memory(typecode, values)
    assert len(data) == len(values) * item_size(typecode)
    assert decode_items(typecode, data) == values


@pytest.mark.parametrize(
    ("typecode", "start", "times", "expected"),
    [
        ("i", 255, 1, 256),
        ("b", 126, 2, -128),
        ("B", 255, 1, 0),
        ("Q", 2**63, 3, 2**63 + 3),
        ("f", 2.0**24, 5, 2.0**24),
        ("f", 0.125, 1, 1.125),
        ("d", 0.1, 2, 0.1 + 1 + 1),
        ("d", 1e15, 3, 1e15 + 3),
    ],
)
def test_counting_is_that_of_the_type(typecode: str, start: Any, times: int, expected: Any) -> None:
    assert same(counted_up(typecode, start, times), expected)


def test_limits_of_integers() -> None:
    assert limits("b") == (-128, 127)
    assert limits("H") == (0, 65_535)
    assert limits("q") == (-(2**63), 2**63 - 1)


def test_no_number_is_the_same_as_another_nan() -> None:
    assert same(unpickle(pickle.dumps([float("nan")])), [float("nan")])
    assert not same(1.0, float("nan"))
    assert not same(float("nan"), 1.0)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_things_are_known_by_heart_and_nothing_else_of_their_class(protocol: int) -> None:
    thing = type(THINGS[0])
    assert same(unpickle(pickle.dumps(thing(7), protocol)), THINGS[1])
    assert same(unpickle(pickle.dumps([thing(7), thing(7)], protocol)), THINGS)
    assert unpickle(pickle.dumps(thing(8), protocol)) is OPAQUE
    assert unpickle(pickle.dumps([thing(7)], protocol)) is OPAQUE


def memory(typecode: str, data: bytes, length: int = -1) -> MemoryState:
    return MemoryState(data, typecode, length, NO_OBJECT)


def test_a_value_and_an_array_of_one_are_told_apart() -> None:
    data = encode_memory("i", [5])
    assert decode_memory(memory("i", data)) == 5
    assert decode_memory(memory("i", data, 1)) == [5]


def test_memory_of_another_size_or_type_is_opaque() -> None:
    assert decode_memory(memory("i", b"123")) is OPAQUE
    assert decode_memory(memory("Point", b"1234")) is OPAQUE
    assert decode_memory(memory("i", encode_memory("i", [1, 2]))) is OPAQUE
