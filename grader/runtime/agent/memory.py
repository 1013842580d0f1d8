"""`Value`, `Array` and their raw kinds, over memory that the judge holds. Start at `Value`.

The judge lets an access to guarded memory wait while another task holds the guard, so that taking the lock for one
read or write needs no operation of its own. (With a plain `Lock` that the same task holds already, it waits for
ever, as Python would.) Where the program passes a lock that the judge does not know, it is taken and given back
around the access, as Python does it.
"""

import ctypes
import multiprocessing.sharedctypes
import struct
from collections.abc import Sequence
from typing import Any

from grader.runtime.agent import channel, synchronize, uncontrolled, views
from grader.runtime.agent.internals import mp_context, mp_heap, mp_sharedctypes, replace
from grader.runtime.agent.synchronize import NO_OBJECT

_TYPES: dict[Any, Any] = mp_sharedctypes.typecode_to_type
_POINTER: Any = vars(ctypes)["_Pointer"]
_POINTER_CODES = ("z", "Z", "P", "O")


def _named(typecode_or_type: Any) -> Any:
    """The type meant. An untyped pointer is a number: nobody can follow it in another process."""
    type_ = _TYPES.get(typecode_or_type, typecode_or_type)
    return ctypes.c_size_t if type_ is ctypes.c_void_p else type_


def _type_of(typecode_or_type: Any) -> Any:
    """The ctypes type meant. Raises TypeError for anything that has no size."""
    type_ = _named(typecode_or_type)
    ctypes.sizeof(type_)
    pointer = _pointer_in(type_)
    if pointer is not None:
        uncontrolled.announce(f"a pointer in shared memory ({pointer.__name__})")
    return type_


def _pointer_in(type_: Any) -> Any:
    """A type of pointers that is a type, or of which a part of it is; None if there is none."""
    if issubclass(type_, ctypes.Array):
        return _pointer_in(type_._type_)
    if issubclass(type_, _POINTER) or getattr(type_, "_type_", None) in _POINTER_CODES:
        return type_
    fields = [field for base in type_.__mro__ for field in vars(base).get("_fields_", ())]
    return next((found for field in fields if (found := _pointer_in(field[1])) is not None), None)


def _code_of(type_: Any) -> str:
    """The letter that names a simple type, the name of any other."""
    return str(type_._type_ if views.is_simple(type_) else type_.__name__)


def _allocate(first: Any, lock: int = NO_OBJECT) -> views.Block:
    """New shared memory with the bytes of a ctypes object; `lock` guards it."""
    type_: Any = type(first)
    length: int = type_._length_ if issubclass(type_, ctypes.Array) else -1
    code = _code_of(type_._type_ if length >= 0 else type_)
    uncontrolled.check_size("shared memory", ctypes.sizeof(first))
    target = channel.current().create("memory", typecode=code, data=bytes(first), lock=lock, length=length)
    return views.Block(target, views.UNGUARDED if lock == NO_OBJECT else views.WAITS)


def _first_value(typecode_or_type: Any, args: Sequence[Any]) -> Any:
    first = _type_of(typecode_or_type)()
    first.__init__(*args)
    return first


def _first_array(typecode_or_type: Any, size_or_initializer: Any) -> Any:
    type_ = _named(typecode_or_type)
    if isinstance(size_or_initializer, int):
        return _type_of(type_ * size_or_initializer)()
    values = size_or_initializer
    first = _type_of(type_ * len(values))()
    first.__init__(*values)
    return first


def RawValue(typecode_or_type: Any, *args: Any) -> Any:
    """A ctypes object in shared memory, with no lock."""
    first = _first_value(typecode_or_type, args)
    return views.view(type(first), _allocate(first))


def RawArray(typecode_or_type: Any, size_or_initializer: Any) -> Any:
    """A ctypes array in shared memory, with no lock."""
    first = _first_array(typecode_or_type, size_or_initializer)
    return views.view(type(first), _allocate(first))


def Value(typecode_or_type: Any, *args: Any, lock: Any = True, ctx: Any = None) -> Any:
    """A ctypes object in shared memory with a lock."""
    return _guarded(_first_value(typecode_or_type, args), lock, ctx)


def Array(typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True, ctx: Any = None) -> Any:
    """A ctypes array in shared memory with a lock."""
    return _guarded(_first_array(typecode_or_type, size_or_initializer), lock, ctx)


def _guarded(first: Any, lock: Any, ctx: Any) -> Any:
    if lock is False:
        return views.view(type(first), _allocate(first))
    if lock in (True, None):
        lock = (ctx or mp_sharedctypes.get_context()).RLock()
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    inside = synchronize.controlled(lock)
    block = _allocate(first, NO_OBJECT if inside is None else inside.handle)
    return _wrap(type(first), block, lock)


def _wrap(type_: Any, block: views.Block, lock: Any, ctx: Any = None) -> Any:
    """The synchronized object over a block and its lock."""
    wrapper = synchronized(views.view(type_, block.free()), lock, ctx)
    if block.guard == views.WAITS:
        vars(wrapper)["_direct"] = views.view(type_, block)
    return wrapper


def _rewrap(obj: Any, lock: Any, direct: bool) -> Any:
    if not direct:
        return synchronized(obj, lock)
    return _wrap(obj._type, views.Block(obj._block.object, views.WAITS), lock)


def synchronized(obj: Any, lock: Any = None, ctx: Any = None) -> Any:
    """A wrapper that takes `lock` around every access to a raw object."""
    assert not isinstance(obj, mp_sharedctypes.SynchronizedBase), "object already synchronized"
    ctx = ctx or mp_sharedctypes.get_context()
    if not isinstance(obj, views.View):
        uncontrolled.announce("multiprocessing.sharedctypes.synchronized() of an object of one's own")
    if views.is_simple(obj._type):
        return Synchronized(obj, lock, ctx)
    if issubclass(obj._type, ctypes.Array):
        cls = SynchronizedString if obj._type._type_ is ctypes.c_char else SynchronizedArray
        return cls(obj, lock, ctx)
    return _struct_class(obj._type)(obj, lock, ctx)


def copy(obj: Any) -> Any:
    """New shared memory with the same content."""
    loaded = views.plain(obj)
    return views.view(type(loaded), _allocate(loaded))


def _attribute(name: str) -> Any:
    """A property that reads and writes an attribute of the object inside, under the lock."""

    def get(self: Any) -> Any:
        if self._direct is not None:
            return getattr(self._direct, name)
        with self:
            return getattr(self._obj, name)

    def put(self: Any, value: Any) -> None:
        if self._direct is not None:
            setattr(self._direct, name, value)
            return
        with self:
            setattr(self._obj, name, value)

    return property(get, put)


class SynchronizedBase(multiprocessing.sharedctypes.SynchronizedBase):  # type: ignore[type-arg]
    """A raw object and its lock; `_direct` is the object for accesses that wait for the lock by themselves."""

    __module__ = "multiprocessing.sharedctypes"
    _direct: Any = None
    _obj: Any
    _lock: Any

    def __reduce__(self) -> Any:
        synchronize.assert_spawning(type(self).__name__)
        return _rewrap, (self._obj, self._lock, self._direct is not None)


class Synchronized(SynchronizedBase):
    """One number or character."""

    __module__ = "multiprocessing.sharedctypes"
    value = _attribute("value")


class SynchronizedArray(SynchronizedBase):
    """An array."""

    __module__ = "multiprocessing.sharedctypes"

    def __len__(self) -> int:
        return len(self._obj)

    def __getitem__(self, i: Any) -> Any:
        if self._direct is not None:
            return self._direct[i]
        with self:
            return self._obj[i]

    def __setitem__(self, i: Any, value: Any) -> None:
        if self._direct is not None:
            self._direct[i] = value
            return
        with self:
            self._obj[i] = value


class SynchronizedString(SynchronizedArray):
    """An array of bytes."""

    __module__ = "multiprocessing.sharedctypes"
    value = _attribute("value")
    raw = _attribute("raw")


_struct_classes: dict[Any, Any] = {}


def _struct_class(type_: Any) -> Any:
    """The synchronized class of a structure: one property for each of its fields."""
    cls = _struct_classes.get(type_)
    if cls is None:
        fields = {field[0]: _attribute(field[0]) for field in type_._fields_}
        name = f"Synchronized{type_.__name__}"
        module = {"__module__": "multiprocessing.sharedctypes"}
        cls = _struct_classes[type_] = type(name, (SynchronizedBase,), {**module, **fields})
    return cls


class BufferWrapper:
    """`multiprocessing.heap.BufferWrapper`, of which `Barrier` makes its two shared numbers."""

    def __init__(self, size: int) -> None:
        self._object = channel.current().create("memory", typecode="i", data=bytes(size), length=size // 4)
        self._size = size

    def create_memoryview(self) -> "BufferWrapper":
        return self

    def cast(self, code: str) -> Any:
        """The bytes as an array of items of one typecode."""
        type_ = _TYPES[code] * (self._size // struct.calcsize(code))
        return views.view(type_, views.Block(self._object))


_NAMES = (
    *("RawValue", "RawArray", "Value", "Array", "synchronized", "copy"),
    *("SynchronizedBase", "Synchronized", "SynchronizedArray", "SynchronizedString"),
)


def install() -> None:
    """Replace the public names."""
    replace(mp_sharedctypes, **{name: globals()[name] for name in _NAMES})
    replace(mp_heap, BufferWrapper=BufferWrapper)
    views.install()


def proxy(
    object: int, typecode: str, length: int = -1, lock: int | None = None, flavour: str = "RLock"
) -> Any:
    """The memory `object` that the judge made, as a scenario passes it in.

    `length` is that of an array, -1 for a single value; `lock` the object that guards it and `flavour` that
    object's class, None for a raw value or array.
    """
    element = _SIMPLE[typecode]
    type_ = element if length < 0 else element * length
    if lock is None or lock == NO_OBJECT:
        return views.view(type_, views.Block(object))
    fork = mp_context._concrete_contexts["fork"]  # asking for the default one would choose a start method
    return _wrap(type_, views.Block(object, views.WAITS), synchronize.proxy(lock, flavour), fork)


_SIMPLE: dict[str, Any] = {"?": ctypes.c_bool, "g": ctypes.c_longdouble, **_TYPES}
