"""What is not the same each time by the submission's own doing, and why: that much is left out of the records."""

import ast
import re
from collections.abc import Sequence

from grader.core.verdict import Finding

LEFT_OUT = {
    "hostile/one_gigabyte.py": (
        "It takes as much memory as there may be, which costs the system more CPU time the busier the machine is: "
        "it ends by the limit of CPU time (hang), by itself, or differently when it is run again (inconclusive)."
    ),
    "hostile/stack_overflow.py": (
        "It fills memory and computes at the same time. The watch over memory looks from time to time, so which limit "
        "it meets first, that of memory (crash) or that of CPU time (hang), depends on how busy the machine is."
    ),
}
"""Submissions without a record, each with the reason."""

_BUSY = re.compile(r"(computes for [\d.]+ s in |Importing the file never ends \()line (\d+)")


def steady(finding: Finding, source: Sequence[str]) -> tuple[str, int]:
    """The message and the line of a finding, as far as they are the same each time.

    Where a loop was when its limit of CPU time ended is chance: its lines are told instead.
    """
    line = finding.location.line if finding.location is not None else 0
    told = _BUSY.search(finding.message)
    loop = _outermost_loop(int(told[2]), source) if told else None
    if told is None or loop is None:
        return finding.message, line
    first, last = loop
    return _BUSY.sub(rf"\1the loop of lines {first}-{last}", finding.message), first


def _outermost_loop(line: int, source: Sequence[str]) -> tuple[int, int] | None:
    """First and last line of the largest loop that the line is in: what is inside may be left and entered again."""
    try:
        tree = ast.parse("\n".join(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    loops = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.While | ast.For | ast.AsyncFor)
    ]
    around = [(first, last) for first, last in loops if first <= line <= last]
    return max(around, key=lambda loop: loop[1] - loop[0], default=None)
