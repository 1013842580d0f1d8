"""Objects of ours in place of memory have no buffer; whoever asks for one is announced. Start at `expose`.

Up to Python 3.11 a class written in Python cannot see that its buffer is asked for (numpy, `memoryview`, `struct`):
the caller would fail with a `TypeError` that the real object never raises. So the slot in the type is filled, with a
function that never returns.
"""

import ctypes
import struct
import sys
from collections.abc import Callable
from typing import Any

from grader.runtime.agent.internals import replace

_SLOT_OF_BUFFER_FUNCTIONS = 160
"""Of a type object of CPython 3.10 and 3.11 on a 64-bit machine (Include/cpython/object.h: `tp_as_buffer`)."""
_WANTED = sys.version_info < (3, 12) and struct.calcsize("P") == 8
_prototype: Any = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p, ctypes.c_int)
_kept: list[Any] = []


def expose(cls: type, announce: Callable[[Any], Any]) -> None:
    """Call `announce` with the object, and never come back, when the buffer of one of a class is asked for."""
    replace(cls, __buffer__=property(announce))
    if not _WANTED:
        return

    def get(instance: Any, _view: Any, _flags: int) -> int:
        announce(instance)
        return -1

    function = _prototype(get)
    _kept.append(function)
    table = ctypes.c_void_p.from_address(id(cls) + _SLOT_OF_BUFFER_FUNCTIONS).value
    if table is not None:
        ctypes.c_void_p.from_address(table).value = ctypes.cast(function, ctypes.c_void_p).value
