"""Where in the submission this process is: the line of an operation, and its place in the program.

Start at `line_and_place`. The line is that of the innermost frame of the submission; the place is made of the frames of
the standard library as well, which may go through several operations in one line (`Barrier.wait` does). Frames below
the task's first one are never looked at because they belong to no submission, or to the process that was forked.
"""

import faulthandler
import opcode
import os
import signal
import sys
from types import CodeType, FrameType

_HERE = os.path.dirname(__file__) + os.sep
_files: set[str] = set()
_roots: set[CodeType] = set()
_copies: dict[int, tuple[CodeType, dict[int, int]]] = {}
"""By the id of a code object (which is kept): the offsets of instructions that are copies of earlier ones."""
_CACHE = 0
"""What follows an instruction that the interpreter may specialise, from Python 3.11 on; no instruction before that."""


_PRECALL = opcode.opmap.get("PRECALL", -1)
"""In Python 3.11 the first half of a call, which does all of it where it was specialised for what is called."""
_UNITS_OF_PRECALL = 2


def watch(filename: str) -> None:
    """Code compiled under `filename` is the submission's."""
    _files.add(filename)


def know(code: CodeType) -> None:
    """Find out which instructions of the submission's code, and of all functions in it, are copies of others.

    The compiler puts the test of a `while` at both ends of the loop, and a `finally` behind each way out; to come to
    the copy is to come to the same place again. Copies have the same position in the source, which Python knows from
    3.11 on. Done once, before any process is forked.
    """
    if not hasattr(code, "co_positions"):
        return
    first: dict[object, int] = {}
    copies: dict[int, int] = {}
    for number, position in enumerate(code.co_positions()):
        offset = 2 * number
        if None not in position:
            original = first.setdefault((code.co_code[offset], position), offset)
            if original != offset:
                copies[offset] = original
    if copies:
        _copies[id(code)] = code, copies
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            know(constant)


def _offset(frame: FrameType) -> int:
    """Which instruction a frame is at, whether that was specialised or not.

    While one that was specialised calls something, a frame is at the last of its caches, otherwise at the instruction
    itself; and a call may be done by either of its halves. So a process that has done the same before would be
    somewhere else than a new one.
    """
    code, offset = frame.f_code, frame.f_lasti
    units = code.co_code
    while offset > 0 and units[offset] == _CACHE:
        offset -= 2
    if units[offset] == _PRECALL:
        offset += 2 * _UNITS_OF_PRECALL
    known = _copies.get(id(code))
    return offset if known is None else known[1].get(offset, offset)


def show_stack_on(descriptor: int) -> None:
    """On SIGUSR1, and if this process crashes, write the stack to `descriptor`: nobody else can be asked."""
    faulthandler.enable(file=descriptor, all_threads=False)
    faulthandler.register(signal.SIGUSR1, file=descriptor, all_threads=False)


def watched(filename: str) -> bool:
    """Whether code of this file is the submission's."""
    return filename in _files


def files() -> frozenset[str]:
    """The names of the submission's files."""
    return frozenset(_files)


def stop_at(root: CodeType) -> None:
    """A function of ours that is the first one of a forked process."""
    _roots.add(root)


def line() -> int:
    """The line of the submission that is being executed, 0 if none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code not in _roots:
        if frame.f_code.co_filename in _files:
            return frame.f_lineno
        frame = frame.f_back
    return 0


def line_and_place() -> tuple[int, int]:
    """The line, and a number for where the frames of the submission and of the library that it calls are.

    Nothing that they hold is part of it, so a place is the same whatever a loop counts.
    """
    here = 0
    place: list[object] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code not in _roots:
        code = frame.f_code
        if not code.co_filename.startswith(_HERE):
            place += (code.co_name, code.co_firstlineno, _offset(frame))
            if not here and code.co_filename in _files:
                here = frame.f_lineno
        frame = frame.f_back
    return here, hash(tuple(place)) & 0x7FFF_FFFF_FFFF
