"""Items are found in messages, whatever they are wrapped in; nothing is executed to find them."""

import datetime
import math
import pickle
import zlib
from collections import Counter, OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest

from grader.grading.cargo import Cargo, keys_of

Numbered = namedtuple("Numbered", ["number", "item"])


@dataclass(frozen=True)
class Envelope:
    number: int
    content: Any


class Slotted:
    __slots__ = ("content",)

    def __init__(self, content: Any) -> None:
        self.content = content


class Bag(list[Any]):
    pass


ITEM = ("fig", [1.5, None])
WRAPPED = [
    ITEM,
    (0, ITEM),
    [ITEM],
    {"item": ITEM},
    {ITEM[0]: [ITEM]},
    Envelope(3, ITEM),
    Numbered(3, ITEM),
    Slotted(ITEM),
    Bag([ITEM]),
    OrderedDict(item=ITEM),
    pickle.dumps(ITEM),
    Envelope(3, pickle.dumps(Slotted(ITEM))),
]


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("value", WRAPPED, ids=lambda value: type(value).__name__)
def test_an_item_is_found_in_what_wraps_it(value: Any, protocol: int) -> None:
    (key,) = keys_of([ITEM])
    assert Cargo(pickle.dumps(value, protocol)).keys[key] == 1


@pytest.mark.parametrize(
    "value", [("fig", [1.5]), ["fig", [1.5, None]], Envelope(3, "fig"), 0, zlib.compress(b"fig")]
)
def test_what_is_no_such_item_is_none(value: Any) -> None:
    (key,) = keys_of([ITEM])
    assert not Cargo(pickle.dumps(value)).keys[key]


def test_types_are_told_apart_and_not_a_number_is_equal_to_itself() -> None:
    keys = list(keys_of([1, 1.0, True, "1", b"1", (), [], {}, set(), math.nan, math.nan, None]))
    assert len(set(keys)) == len(keys) - 1
    assert keys[9] == keys[10]


def test_objects_of_other_classes_are_other_ones() -> None:
    envelope, slotted, day = keys_of([Envelope(1, 2), Slotted(2), datetime.date(2020, 1, 2)])
    assert len({envelope, slotted, day}) == 3
    assert [envelope] == list(keys_of([Envelope(1, 2)]))


def test_each_of_several_items_in_a_message_is_counted() -> None:
    keys = Counter(keys_of(["fig", "fig", "pear"]))
    found = Cargo(pickle.dumps(["fig", ("fig", "pear")])).keys
    assert {key: found[key] for key in keys} == dict(keys)


@pytest.mark.parametrize(
    "data", [b"", b"no pickle", pickle.dumps(zlib.compress(b"x" * 100)), b"cos\nsystem\n(S'true'\ntR."[:-1]]
)
def test_what_cannot_be_read_is_opaque(data: bytes) -> None:
    assert Cargo(data).opaque


def test_nothing_is_executed() -> None:
    cargo = Cargo(b"cos\nabort\n(tR.")
    assert not cargo.opaque
    assert cargo.whole == ("instance", "os.abort", ())


def test_a_message_that_grows_while_it_is_read_is_given_up() -> None:
    nested: Any = []
    for _ in range(9):
        nested = [nested] * 9
    assert Cargo(pickle.dumps(nested)).opaque
    itself: list[Any] = []
    itself.append(itself)
    assert Cargo(pickle.dumps(itself)).opaque
