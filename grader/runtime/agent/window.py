"""A `memoryview` of bytes that the judge holds: every read or write of an item or a slice is one operation.

Start at `Window`. A slice of a window is a window, as with a `memoryview`, and costs nothing; what converts, complains
or fails is a real `memoryview` over bytes of this process.
"""

import operator
import struct
import weakref
from collections.abc import Iterator
from typing import Any

from grader.runtime.agent import buffers, uncontrolled
from grader.runtime.agent.views import Block


class Window:
    """Some items of a block: `count` of one struct format, from byte `offset` on, `step` bytes apart."""

    def __init__(
        self, block: Block, offset: int, count: int, layout: str = "B", step: int = 0, root: Any = None
    ) -> None:
        self._block = block
        self._offset = offset
        self._count = count
        self.format = layout
        self.itemsize = struct.calcsize(layout)
        self._step = step or self.itemsize
        self._released = False
        self._root: Window = root or self
        self._parts: list[weakref.ref[Window]] = []
        if root is not None:
            root._parts = [*(part for part in root._parts if part() is not None), weakref.ref(self)]

    ndim = 1
    readonly = False
    suboffsets = ()

    def _check(self) -> None:
        if self._released:
            raise ValueError("operation forbidden on released memoryview object")

    @property
    def nbytes(self) -> int:
        return self._count * self.itemsize

    @property
    def shape(self) -> tuple[int, ...]:
        return (self._count,)

    @property
    def strides(self) -> tuple[int, ...]:
        return (self._step,)

    @property
    def contiguous(self) -> bool:
        return self._step == self.itemsize or self._count < 2

    c_contiguous = f_contiguous = contiguous

    @property
    def obj(self) -> Any:
        uncontrolled.announce("the memory map of shared memory")

    def __len__(self) -> int:
        self._check()
        return self._count

    def read(self, first: int, size: int) -> bytes:
        """Bytes of a window without gaps, from its byte `first` on."""
        self._check()
        return self._block.read(self._offset + first, size) if size else b""

    def write(self, first: int, data: bytes) -> None:
        """Likewise."""
        self._check()
        if data:
            self._block.write(self._offset + first, data)

    def _place(self, index: Any) -> int:
        self._check()
        if not hasattr(index, "__index__"):
            raise TypeError("memoryview: invalid slice key")
        position = operator.index(index)
        position += self._count if position < 0 else 0
        if not 0 <= position < self._count:
            raise IndexError("index out of bounds on dimension 1")
        return position * self._step

    def _scratch(self, count: int) -> memoryview:
        return memoryview(bytearray(count * self.itemsize)).cast("B").cast(self.format)  # type: ignore[call-overload, no-any-return]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(index)
        data = self.read(self._place(index), self.itemsize)
        return memoryview(data).cast(self.format)[0]  # type: ignore[call-overload]

    def _part(self, index: slice) -> "Window":
        self._check()
        start, stop, step = index.indices(self._count)
        count = len(range(start, stop, step))
        offset = self._offset + start * self._step
        return Window(self._block, offset, count, self.format, step * self._step, self._root)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._part(index)._fill(value)
            return
        place = self._place(index)
        scratch = self._scratch(1)
        scratch[0] = value
        self.write(place, scratch.tobytes())

    def _fill(self, value: Any) -> None:
        scratch = self._scratch(self._count)
        if isinstance(value, Window):
            value = memoryview(value.tobytes()).cast(value.format)  # type: ignore[call-overload]
        scratch[:] = value
        data = scratch.tobytes()
        if self.contiguous:
            self.write(0, data)
            return
        size = self.itemsize
        for number in range(self._count):
            self.write(number * self._step, data[number * size : (number + 1) * size])

    def tobytes(self, order: Any = None) -> bytes:
        """A copy of the content: one read, if there are no gaps."""
        self._check()
        if self.contiguous:
            return self.read(0, self.nbytes)
        places = range(0, self._count * self._step, self._step)
        return b"".join(self.read(place, self.itemsize) for place in places)

    __bytes__ = tobytes

    def tolist(self) -> list[Any]:
        return memoryview(self.tobytes()).cast(self.format).tolist()  # type: ignore[call-overload, no-any-return]

    def hex(self, *separators: Any) -> str:
        return self.tobytes().hex(*separators)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __reversed__(self) -> Iterator[Any]:
        return (self[index] for index in reversed(range(len(self))))

    def __contains__(self, value: Any) -> bool:
        return any(item == value for item in self)

    def __eq__(self, other: object) -> bool:
        mine = memoryview(self.tobytes()).cast(self.format)  # type: ignore[call-overload]
        if isinstance(other, Window):
            return bool(mine == memoryview(other.tobytes()).cast(other.format))  # type: ignore[call-overload]
        return bool(mine == other)

    def __hash__(self) -> int:
        raise ValueError("cannot hash writable memoryview object")

    def cast(self, layout: str, shape: Any = None) -> "Window":
        """The same bytes as items of another format. Raises what `memoryview.cast` raises."""
        self._check()
        if shape is not None:
            uncontrolled.announce("shared memory cast to several dimensions")
        if not self.contiguous:
            raise TypeError("memoryview: casts are restricted to C-contiguous views")
        count = len(self._scratch(self._count).cast(layout))  # type: ignore[call-overload]
        return Window(self._block, self._offset, count, layout, 0, self._root)

    def toreadonly(self) -> Any:
        uncontrolled.announce("toreadonly() of shared memory")

    def release(self) -> None:
        """Use this window no more."""
        self._released = True

    def is_exported(self) -> bool:
        """Whether windows that were cut out of this one are still in use."""
        parts = [part() for part in self._root._parts]
        return any(part is not None and not part._released for part in parts)

    def __enter__(self) -> "Window":
        self._check()
        return self

    def __exit__(self, *_details: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'released ' * self._released}memory at {id(self):#x}>"

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'memoryview' object")

    def _expose(self) -> Any:
        uncontrolled.announce("the buffer of shared memory (SharedMemory.buf)")

    __array_interface__ = property(_expose)
    __array_struct__ = property(_expose)
    __array__ = property(_expose)
    _as_parameter_ = property(_expose)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return memoryview


Window.__name__ = Window.__qualname__ = "memoryview"
buffers.expose(Window, Window._expose)
