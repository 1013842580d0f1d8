"""Calls of methods of a manager's objects in words: `read d['n'] → 3`, `append to results ← 4`. Start at `words`.

What a call gave is not told to the judge; where it can be seen from the content and the arguments, it is said.
"""

from typing import Any, NamedTuple

from grader.core.operations import Operation, OperationKind, Step
from grader.grading.values import OPAQUE, brief, unpickle
from grader.primitives.manager import ReferentState

KINDS = (OperationKind.REFERENT_READ, OperationKind.REFERENT_CHANGE)
_WHOLE = frozenset({"#GETVALUE", "__repr__", "__str__", "copy", "keys", "values", "items", "__iter__"})
_BY_KEY = {"__getitem__": "read", "get": "read", "__setitem__": "write", "__delitem__": "delete"}
_BY_NAME = {"__getattribute__": "read", "__setattr__": "write", "__delattr__": "delete"}
_VERBS = {"append": "append to", "insert": "insert into", "__len__": "len", "__contains__": "look into"}
_NOTHING = object()


class Words(NamedTuple):
    """What was done, to which part of an object, and the value that was read or written, if it is known."""

    verb: str
    part: str = ""
    value: str = ""


def words(state: object, step: Step) -> Words:
    """A call in words; `state` is any state of its object."""
    operation = step.operation
    name = operation.text[:40]
    arguments, content = _arguments(operation), _content(step)
    typeid = state.typeid if isinstance(state, ReferentState) else ""
    if typeid == "Value" and name in ("get", "set"):
        return Words("read", "", content_words(typeid, content)) if name == "get" else _write("", arguments)
    if name in _BY_NAME and arguments:
        return _part(_BY_NAME[name], f".{_name(arguments[0])}", arguments, content)
    if name in _BY_KEY and arguments:
        items = content[1] if typeid == "array" and isinstance(content, tuple) else content
        return _part(_BY_KEY[name], f"[{brief(arguments[0])}]", arguments, items)
    if name in _WHOLE:
        return Words("read", "", content_words(typeid, content))
    if name == "__len__":
        return Words("len", "", str(len(content)) if isinstance(content, (list, dict)) else "")
    return Words(_VERBS.get(name, name.strip("_")), "", brief(arguments[-1]) if arguments else "")


def place(operation: Operation) -> tuple[str, str]:
    """Whether a call is a plain `read` or `write` ("" for any other), and of which part of the object."""
    said = words(None, Step(-1, operation, None, ()))
    if operation.text in ("get", "set") and not said.part:
        return ("read" if operation.text == "get" else "write"), ""
    return (said.verb if said.verb in ("read", "write") else ""), said.part


def content_words(typeid: str, content: Any) -> str:
    """What an object holds, "" if that is not known or not made of plain data."""
    if content is OPAQUE:
        return ""
    if typeid in ("Value", "array") and isinstance(content, tuple) and len(content) == 2:
        return brief(content[1])
    if typeid == "Namespace" and isinstance(content, dict):
        return (
            ", ".join(f"{_name(name)}={brief(value)}" for name, value in list(content.items())[:6]) or "empty"
        )
    return brief(content)


def _name(value: Any) -> str:
    return value[:40] if isinstance(value, str) else brief(value)


def _part(verb: str, part: str, arguments: tuple[Any, ...], content: Any) -> Words:
    if verb == "write":
        return _write(part, arguments)
    found = _look_up(content, arguments[0]) if verb == "read" else _NOTHING
    return Words(verb, part, "" if found is _NOTHING else brief(found))


def _write(part: str, arguments: tuple[Any, ...]) -> Words:
    return Words("write", part, brief(arguments[-1]) if arguments else "")


def _look_up(content: Any, key: Any) -> Any:
    """The item of plain data under a plain key."""
    plain = isinstance(content, (dict, list)) and isinstance(key, (str, int))
    try:
        return content[key] if plain else _NOTHING
    except (LookupError, TypeError):
        return _NOTHING


def _arguments(operation: Operation) -> tuple[Any, ...]:
    """The positional arguments of a call, as far as they are plain data."""
    given = unpickle(operation.data, references=True)
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], tuple):
        return given[0]
    return ()


def _content(step: Step) -> Any:
    return OPAQUE if step.result is None else unpickle(step.result.data, references=True)
