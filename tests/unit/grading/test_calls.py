"""Calls of a manager's objects in words."""

import pickle
from typing import Any

import pytest

from grader.core.operations import Operation, OperationKind, Result, Step
from grader.grading.calls import content_words, place, words
from grader.primitives.manager import ReferentState

_KIND = OperationKind.REFERENT_CHANGE


def said(typeid: str, content: Any, method: str, *args: Any) -> str:
    operation = Operation(_KIND, 1, text=method, data=pickle.dumps((args, {})))
    data = pickle.dumps(content)
    return "|".join(words(ReferentState(data, typeid), Step(0, operation, Result(data=data), (1,))))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (("dict", {"n": 3}, "__getitem__", "n"), "read|['n']|3"),
        (("dict", {"n": 3}, "get", "n", 0), "read|['n']|3"),
        (("dict", {"n": 3}, "__getitem__", "m"), "read|['m']|"),
        (("dict", {"n": 3}, "__setitem__", "n", 4), "write|['n']|4"),
        (("dict", {"n": 3}, "__delitem__", "n"), "delete|['n']|"),
        (("dict", {"n": 3}, "keys"), "read||{'n': 3}"),
        (("dict", {"n": 3}, "__len__"), "len||1"),
        (("list", [5, 6], "__getitem__", 1), "read|[1]|6"),
        (("list", [5, 6], "__getitem__", 2), "read|[2]|"),
        (("list", [5, 6], "append", "x"), "append to||'x'"),
        (("list", [5, 6], "pop"), "pop||"),
        (("Namespace", {"x": 1}, "__getattribute__", "x"), "read|.x|1"),
        (("Namespace", {"x": 1}, "__setattr__", "x", 2), "write|.x|2"),
        (("Namespace", {10**5000: 1}, "__getattribute__", 10**5000), "read|.a huge number|1"),
        (("Value", ("i", 7), "get"), "read||7"),
        (("Value", ("i", 7), "set", 8), "write||8"),
        (("array", ("i", [7, 8]), "__getitem__", 1), "read|[1]|8"),
        (("Counter", {1}, "increment"), "increment||"),
    ],
)
def test_words(call: tuple[Any, ...], text: str) -> None:
    assert said(*call) == text


def test_what_is_no_plain_data_is_not_told() -> None:
    operation = Operation(_KIND, 1, text="__getitem__", data=b"rubbish")
    step = Step(0, operation, Result(data=pickle.dumps(Step)), (1,))
    assert words(ReferentState(b"", "dict"), step) == ("getitem", "", "")


def test_a_read_and_a_write_of_the_same_part_are_at_the_same_place() -> None:
    def of(method: str, *args: Any) -> tuple[str, str]:
        return place(Operation(_KIND, 1, text=method, data=pickle.dumps((args, {}))))

    assert of("__getitem__", "n") == ("read", "['n']")
    assert of("__setitem__", "n", 1) == ("write", "['n']")
    assert (of("get"), of("set", 1), of("append", 1)) == (("read", ""), ("write", ""), ("", ""))


def test_contents() -> None:
    assert content_words("Namespace", {"x": 1, "y": "a"}) == "x=1, y='a'"
    assert content_words("Namespace", {10**5000: 1}) == "a huge number=1"
    assert content_words("Value", ("i", 7)) == "7"
    assert content_words("dict", {"k": [1, {2: 3}]}) == "{'k': [1, {2: 3}]}"
