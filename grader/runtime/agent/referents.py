"""The containers of a manager: `dict`, `list`, `Namespace`, `Value`, `Array`, and whatever a program registers.

Start at `Referent.call`. The judge keeps the content, pickled. A call announces the method and its arguments; once it
may happen, the judge sends the content, the method is applied here, and the new content goes back with the next
request: in between no other task runs. A copy of an object within the content is a copy, as it is in Python.
"""

import array
import copy
import io
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from grader.runtime.agent import channel, uncontrolled
from grader.runtime.agent.internals import mp_context, mp_managers

_pickler = mp_context.reduction.ForkingPickler
_Value: Any = mp_managers.Value
_Namespace: Any = mp_managers.Namespace


class _Pickler(_pickler):  # type: ignore[misc, valid-type]
    """Proxies are references, with the rest as readable to the judge as without them."""

    def persistent_id(self, value: Any) -> bytes | None:
        return bytes(_pickler.dumps(value)) if isinstance(value, mp_managers.BaseProxy) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, reference: Any) -> Any:
        return pickle.loads(reference)


def _dumps(value: Any) -> bytes:
    """A pickle that `_loads` reads."""
    file = io.BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


def _loads(data: bytes) -> Any:
    return _Unpickler(io.BytesIO(data)).load()


def copied(value: Any) -> Any:
    """What arrives at the other end of a connection. Raises whatever pickling raises."""
    return _loads(_dumps(value))


class _Codec(NamedTuple):
    """How an object of a manager becomes plain data for the judge, and comes back; which methods only read it."""

    plain: Callable[[Any], Any]
    build: Callable[[Any], Any]
    reads: frozenset[str] = frozenset()


_LOOKS = ("__repr__", "__str__", "#GETVALUE", "__len__", "__contains__", "__getitem__")
_DICT = frozenset(
    {*_LOOKS, "__iter__", "__next__", "get", "keys", "values", "items", "copy", "__or__", "__ror__"}
)
_LIST = frozenset({*_LOOKS, "__add__", "__mul__", "__rmul__", "__reversed__", "count", "index", "copy"})
_SET = frozenset(
    {
        *(*_LOOKS, "__iter__", "copy", "difference", "intersection", "isdisjoint", "issubset", "issuperset"),
        *("symmetric_difference", "union", "__and__", "__or__", "__sub__", "__xor__", "__rand__", "__ror__"),
        *("__rsub__", "__rxor__", "__le__", "__lt__", "__ge__", "__gt__", "__eq__", "__ne__"),
    }
)
_CODECS: dict[type, _Codec] = {
    dict: _Codec(dict, dict, _DICT),
    list: _Codec(list, list, _LIST),
    set: _Codec(set, set, _SET),
    _Namespace: _Codec(vars, lambda content: _Namespace(**content), frozenset({*_LOOKS, "__getattribute__"})),
    _Value: _Codec(
        lambda value: (value._typecode, value._value),
        lambda content: _Value(*content),
        frozenset({*_LOOKS, "get"}),
    ),
    array.array: _Codec(
        lambda items: (items.typecode, items.tolist()),
        lambda content: array.array(*content),
        frozenset(_LOOKS),
    ),
}
"""By exact type: a class of the program's own may do anything in any method."""
_OWN = _Codec(lambda value: value, lambda content: content)


class Referent:
    """One object of a manager, as its proxies know it."""

    readable = True

    def __init__(self, manager: int, made: Any) -> None:
        self.manager = manager
        self._type = type(made)
        codec = self._codec()
        try:
            data = _dumps(codec.plain(made))
        except Exception:
            uncontrolled.announce(f"a {type(made).__name__} of a manager, which cannot be pickled")
        uncontrolled.check_size("an object of a manager", len(data))
        self.object = channel.current().create("referent", typecode=self._type.__name__, data=data)

    def __getstate__(self) -> Any:
        return self.manager, self._type, self.object

    def __setstate__(self, state: Any) -> None:
        self.manager, self._type, self.object = state

    def _codec(self) -> _Codec:
        return _CODECS.get(self._type, _OWN)

    def waits(self, name: str) -> bool:
        return False

    def call(self, name: str, args: Any, kwds: Any) -> Any:
        """Call a method of the object; returns a copy of what it returned, or raises what it raised."""
        codec, here = self._codec(), channel.current()
        arguments = _dumps((args, kwds))
        kind = "referent.read" if name in codec.reads else "referent.change"
        answer = here.request(kind, object=self.object, text=name, data=arguments)
        content: bytes = answer.get("data", b"")
        referent = codec.build(_loads(content))
        args, kwds = _loads(arguments)
        asked = here.asked
        try:
            returned = _apply(self, referent, name, args, kwds)
        finally:
            if here.asked != asked:
                uncontrolled.announce("a method of a manager's object that uses another shared object")
            if kind == "referent.change":
                self._send_back(codec, referent, content)
        return returned

    def _send_back(self, codec: _Codec, referent: Any, before: bytes) -> None:
        after = _dumps(codec.plain(referent))
        uncontrolled.check_size("an object of a manager", len(after))
        if after != before:
            channel.current().update(self.object, after)


def _apply(service: Referent, referent: Any, name: str, args: Any, kwds: Any) -> Any:
    if name == "#GETVALUE":
        return referent
    if name in ("__repr__", "__str__"):
        return repr(referent) if name == "__repr__" else str(referent)
    if name == "__iter__" and type(referent) in (dict, set):
        return Iterator(service, len(referent))
    returned = getattr(referent, name)(*args, **kwds)
    if returned is referent and name.startswith("__i"):
        return None  # in-place operators give the proxy back, whatever came
    try:
        return copied(returned)
    except Exception as error:
        raise mp_managers.RemoteError(f"Unserializable message: {error!r}") from None


class Iterator:
    """An iterator over the keys of a manager's dict: each step looks at the dict as it is then."""

    readable = False

    def __init__(self, service: Referent, size: int) -> None:
        self.manager = service.manager
        self._service = service
        self._size = size
        self._position = 0

    def waits(self, name: str) -> bool:
        return False

    def call(self, name: str, args: Any, kwds: Any) -> Any:
        """`__next__`, in the words of CPython's dictionary iterator."""
        if name != "__next__":
            raise mp_managers.RemoteError(
                f"AttributeError: 'dict_keyiterator' object has no attribute {name!r}"
            )
        keys = list(self._service.call("keys", (), {}))
        if len(keys) != self._size:
            raise RuntimeError("dictionary changed size during iteration")
        if self._position >= len(keys):
            raise StopIteration
        self._position += 1
        return keys[self._position - 1]

    def __reduce__(self) -> NoReturn:
        uncontrolled.announce("passing on an iterator of a manager's dict")

    def __deepcopy__(self, memo: Any) -> "Iterator":
        return copy.copy(self)
