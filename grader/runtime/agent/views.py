"""Views of memory that the judge holds, which behave as ctypes objects. Start at `view`.

A view knows a block, a ctypes type and an offset. Every read or write of one item, attribute or slice is one
operation. All conversion is done by real ctypes objects of this process, so that what wraps, truncates or fails
does so as ever; only their bytes travel. A view is no buffer: whoever wants one (numpy, `memoryview`, an address)
would get round the judge, and is told so.
"""

import ctypes
import inspect
import operator
from types import FunctionType
from typing import Any

from grader.runtime.agent import buffers, channel, synchronize, uncontrolled

UNGUARDED, WAITS, PASSES = range(3)


_BOUND = (FunctionType, property, classmethod)


class Block:
    """Shared bytes; `guard` says whether a lock guards them, and an access waits for it or passes by it."""

    __slots__ = ("guard", "object")

    def __init__(self, target: int, guard: int = UNGUARDED) -> None:
        self.object = target
        self.guard = guard

    def read(self, offset: int, size: int) -> bytes:
        how = {"block": False} if self.guard == PASSES else {}
        answer = channel.current().request(
            "memory.read", object=self.object, offset=offset, number=size, **how
        )
        data: bytes = answer.get("data", b"")
        return data

    def write(self, offset: int, data: bytes) -> None:
        how = {"block": False} if self.guard == PASSES else {}
        channel.current().request("memory.write", object=self.object, offset=offset, data=data, **how)

    def free(self) -> "Block":
        """The same bytes, past their lock."""
        return Block(self.object, PASSES) if self.guard == WAITS else self


def is_simple(type_: Any) -> bool:
    """Whether a ctypes type is a number or a character."""
    return isinstance(type_, type) and issubclass(type_, ctypes._SimpleCData)


def plain(value: Any) -> Any:
    """A view as the ctypes object it shows, anything else as it is."""
    return value._load() if isinstance(value, View) else value


class View:
    """What all views have in common; for `isinstance` a view is of its ctypes type."""

    def __init__(self, type_: Any, block: Block, offset: int = 0) -> None:
        vars(self).update(_type=type_, _block=block, _offset=offset)

    _type: Any
    _block: Block
    _offset: int

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._type

    def _load(self) -> Any:
        """A ctypes object of this process with the present bytes."""
        size = ctypes.sizeof(self._type)
        return self._type.from_buffer_copy(self._block.read(self._offset, size)) if size else self._type()

    def __bytes__(self) -> bytes:
        return bytes(self._load())

    def __reduce__(self) -> Any:
        synchronize.assert_spawning(self._type.__name__)
        element, length = self._type, -1
        if issubclass(element, ctypes.Array):
            element, length = element._type_, element._length_
        return _rebuild, (element, length, self._block.object, self._block.guard, self._offset)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return self.__reduce__()

    def __repr__(self) -> str:
        name = f"{self._type.__module__}.{self._type.__qualname__}"
        return f"<{name} object at {id(self):#x}>"

    def _of_type(self, name: str) -> Any:
        """An attribute that is the type's: a constant, or a function. Raises AttributeError as the real object does."""
        try:
            found = inspect.getattr_static(self._type, name)
        except AttributeError:
            message = f"{self._type.__name__!r} object has no attribute {name!r}"
            raise AttributeError(message) from None
        return found.__get__(self, self._type) if isinstance(found, _BOUND) else getattr(self._type, name)

    def __getattr__(self, name: str) -> Any:
        return self._of_type(name)

    def _expose(self) -> Any:
        uncontrolled.announce("the buffer of shared memory (get_obj())")

    _as_parameter_ = property(_expose)
    __array_interface__ = property(_expose)
    __array_struct__ = property(_expose)
    __array__ = property(_expose)


buffers.expose(View, View._expose)


class SimpleView(View):
    """One number or character."""

    @property
    def value(self) -> Any:
        return self._load().value

    @value.setter
    def value(self, value: Any) -> None:
        cell = self._type()
        cell.value = value
        self._block.write(self._offset, bytes(cell))

    def __repr__(self) -> str:
        return repr(self._load())

    def __bool__(self) -> bool:
        return bool(self._load())


class StructView(View):
    """A structure or union, field by field. What its class defines besides fields is there as well (`_class_of`)."""

    def __getattr__(self, name: str) -> Any:
        found = None if name.startswith("__") else _field(self._type, name)
        if found is None:
            return self._of_type(name)
        type_, offset = found
        if issubclass(type_, ctypes.Array) and type_._type_ in _CHARACTERS:
            return view(type_, self._block, self._offset + offset).value
        return item(type_, self._block, self._offset + offset)

    def __setattr__(self, name: str, value: Any) -> None:
        found = _field(self._type, name)
        if found is None:
            super().__setattr__(name, value)
            return
        type_, offset = found
        if issubclass(type_, ctypes.Array) and type_._type_ in _CHARACTERS:
            view(type_, self._block, self._offset + offset).value = value
            return
        whole = self._type()
        setattr(whole, name, plain(value))
        self._block.write(self._offset + offset, bytes(whole)[offset : offset + ctypes.sizeof(type_)])


_CHARACTERS = (ctypes.c_char, ctypes.c_wchar)


def _field(type_: Any, name: str) -> tuple[Any, int] | None:
    """The type and the place of a field, None if there is none of that name."""
    for base in type_.__mro__:
        for field in vars(base).get("_fields_", ()):
            if field[0] == name:
                if len(field) > 2:
                    uncontrolled.announce("a bit field in shared memory")
                return field[1], getattr(type_, name).offset
    for part in getattr(type_, "_anonymous_", ()):
        outer = _field(type_, part)
        inner = _field(outer[0], name) if outer else None
        if outer and inner:
            return inner[0], outer[1] + inner[1]
    return None


_MADE_BY_USER = (FunctionType, property, classmethod, staticmethod)
_OURS = frozenset({"__init__", "__new__", "__class__", "__reduce__", "__reduce_ex__", "__dict__"})
_classes: dict[Any, Any] = {}


def _class_of(base: Any, type_: Any) -> Any:
    """A class of views with the methods, operators and properties that a ctypes class defines in Python."""
    if type_ not in _classes:
        body: dict[str, Any] = {}
        for cls in reversed(type_.__mro__):
            own = not cls.__module__.startswith(("ctypes", "_ctypes", "builtins"))
            made = vars(cls).items() if own else ()
            body.update((n, v) for n, v in made if isinstance(v, _MADE_BY_USER) and n not in _OURS)
        _classes[type_] = type(type_.__name__, (base,), body)
    return _classes[type_]


class ArrayView(View):
    """An array, item by item and slice by slice."""

    def __init__(self, type_: Any, block: Block, offset: int = 0) -> None:
        super().__init__(type_, block, offset)
        vars(self).update(_element=type_._type_, _step=ctypes.sizeof(type_._type_), _count=type_._length_)

    _element: Any
    _step: int
    _count: int

    def __len__(self) -> int:
        return self._count

    def _place(self, index: Any, complaint: str) -> int:
        if not hasattr(index, "__index__"):
            raise TypeError(complaint)
        position = operator.index(index)
        position += self._count if position < 0 else 0
        if not 0 <= position < self._count:
            raise IndexError("invalid index")
        return self._offset + position * self._step

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._read_slice(range(*index.indices(self._count)))
        return item(self._element, self._block, self._place(index, "indices must be integers"))

    def _read_slice(self, positions: range) -> Any:
        if not positions:
            return (self._element * 0)()[:]
        if not is_simple(self._element):
            return [self[position] for position in positions]
        low, high = min(positions), max(positions)
        data = self._block.read(self._offset + low * self._step, (high - low + 1) * self._step)
        scratch = (self._element * (high - low + 1)).from_buffer_copy(data)
        return scratch[:][positions[0] - low :: positions.step]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._write_slice(range(*index.indices(self._count)), value)
            return
        place = self._place(index, "indices must be integer")
        scratch = (self._element * 1)()
        scratch[0] = plain(value)
        self._block.write(place, bytes(scratch))

    def _write_slice(self, positions: range, values: Any) -> None:
        if not is_simple(self._element):
            values = [plain(value) for value in values]
        scratch = (self._element * len(positions))()
        scratch[:] = values
        data = bytes(scratch)
        if positions.step == 1 and positions:
            self._block.write(self._offset + positions.start * self._step, data)
            return
        for number, position in enumerate(positions):
            part = data[number * self._step : (number + 1) * self._step]
            self._block.write(self._offset + position * self._step, part)

    def __repr__(self) -> str:
        return f"<multiprocessing.sharedctypes.{self._type.__name__} object at {id(self):#x}>"


class TextView(ArrayView):
    """An array of characters, which has a `value` (up to the first NUL) as well."""

    @property
    def value(self) -> Any:
        return self._load().value

    @value.setter
    def value(self, value: Any) -> None:
        scratch = self._type()
        scratch.value = value
        used = min(len(value) + 1, self._count) * self._step
        if used:
            self._block.write(self._offset, bytes(scratch)[:used])


class BytesView(TextView):
    """An array of bytes, which has a `raw` content as well."""

    @property
    def raw(self) -> bytes:
        return bytes(self._load())

    @raw.setter
    def raw(self, value: Any) -> None:
        scratch = self._type()
        scratch.raw = value
        used = memoryview(value).nbytes
        if used:
            self._block.write(self._offset, bytes(scratch)[:used])


def view(type_: Any, block: Block, offset: int = 0) -> Any:
    """What student code sees of `block` at `offset`."""
    if issubclass(type_, ctypes.Array):
        if type_._type_ is ctypes.c_char:
            return BytesView(type_, block, offset)
        return (TextView if type_._type_ is ctypes.c_wchar else ArrayView)(type_, block, offset)
    if is_simple(type_):
        return SimpleView(type_, block, offset)
    return _class_of(StructView, type_)(type_, block, offset)


def item(type_: Any, block: Block, offset: int) -> Any:
    """An item of an array or a field of a structure: the number itself, or a view that waits for no lock."""
    if is_simple(type_):
        loaded = type_.from_buffer_copy(block.read(offset, ctypes.sizeof(type_)))
        return loaded.value if type_.__base__ is ctypes._SimpleCData else loaded
    return view(type_, block.free(), offset)


def _rebuild(element: Any, length: int, target: int, guard: int, offset: int) -> Any:
    type_ = element if length < 0 else element * length
    return view(type_, Block(target, guard), offset)


_ADDRESSES = ("addressof", "byref", "pointer", "cast", "memmove", "memset", "string_at", "wstring_at")


def _guarded(name: str, original: Any) -> Any:
    def guard(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(argument, View) for argument in args):
            uncontrolled.announce(f"ctypes.{name}() of shared memory")
        return original(*args, **kwargs)

    guard.__name__ = guard.__qualname__ = name
    return guard


_real_sizeof = ctypes.sizeof


def _sizeof(obj_or_type: Any, /) -> int:
    """`ctypes.sizeof`."""
    return int(_real_sizeof(obj_or_type._type if isinstance(obj_or_type, View) else obj_or_type))


_sizeof.__name__ = _sizeof.__qualname__ = "sizeof"


def install() -> None:
    """ctypes cannot take the address of what only the judge has, and cannot know its size."""
    ctypes.sizeof = _sizeof
    for name in _ADDRESSES:
        setattr(ctypes, name, _guarded(name, getattr(ctypes, name)))
