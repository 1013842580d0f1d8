"""Where a task that announces nothing is, from stacks that the interpreter has written for it. Start at `loop_line`.

Which line of a loop a process is in is chance. What is told has to be the same each time, so a few stacks are
compared, and the line is that of the loop which all of them are in.
"""

import ast
import re
from collections.abc import Sequence
from typing import NamedTuple

_FRAME = re.compile(rb'File "(?P<file>[^"]{1,300})", line (?P<line>\d{1,7}) in (?P<name>[^\n]{1,80})')


class Place(NamedTuple):
    """A frame of the submission: its function, and the line."""

    function: bytes
    line: int


def frames(stack: bytes) -> list[Place]:
    """The frames that belong to a submission, the innermost one first.

    A submission's file has no folder in its name, the standard library's have.
    """
    return [
        Place(frame["name"], int(frame["line"]))
        for frame in _FRAME.finditer(stack)
        if b"/" not in frame["file"] and not frame["file"].startswith(b"<")
    ]


def line_of(stack: bytes) -> int:
    """The line of the innermost frame of the submission, 0 if there is none."""
    found = frames(stack)
    return found[0].line if found else 0


def loop_line(stacks: Sequence[bytes], source: str) -> int:
    """The first line of the innermost loop that all stacks are in, or else where the first one is; 0 if unknown."""
    taken = [list(reversed(found)) for stack in stacks if (found := frames(stack))]
    if not taken:
        return 0
    lines = _common(taken)
    return _loop(lines, source) or (lines[0] if len(set(lines)) == 1 else line_of(stacks[0]))


def _common(taken: Sequence[Sequence[Place]]) -> list[int]:
    """The lines at which the stacks, outermost frames first, are in the innermost function call that they share."""
    depth = 0
    shortest = min(map(len, taken))
    while depth + 1 < shortest:
        here = {stack[depth] for stack in taken}
        below = {stack[depth + 1].function for stack in taken}
        if len(here) > 1 or len(below) > 1:
            break
        depth += 1
    return [stack[depth].line for stack in taken]


def _loop(lines: Sequence[int], source: str) -> int:
    """The line of the innermost loop around all these lines, in the function that they are in; 0 if there is none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    first, last = min(lines), max(lines)
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.While | ast.For | ast.AsyncFor | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.lineno <= first
        and last <= (node.end_lineno or node.lineno)
    ]
    innermost = max(around, key=lambda node: (node.lineno, node.col_offset), default=None)
    return (
        0
        if innermost is None or isinstance(innermost, ast.FunctionDef | ast.AsyncFunctionDef)
        else innermost.lineno
    )
