"""Numbers that a submission names: what it may do something else for. Start at `whole_numbers`.

Inputs of a fixed table are easily left out by a program that knows it, and mistakes often begin at a number that stands
in the source. So checks try such numbers, too. Tools that make inputs for tests do the same with the constants of a
program.
"""

import ast
import operator
import random
from collections.abc import Callable
from typing import TypeAlias

Number: TypeAlias = int | float

_LARGEST = 2**70
_LARGEST_SHIFT = 70
_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}


def whole_numbers(source: str) -> frozenset[int]:
    """The whole numbers in the source, and those that it computes from such alone (`2**16 - 1`)."""
    try:
        tree = ast.parse(source)
        found = {_value(node) for node in ast.walk(tree)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(int(number) for number in found if number is not None and number == int(number))


def picked(source: str, low: int, high: int, most: int, seed: int) -> list[int]:
    """At most so many numbers from `low` to `high` that are named, or come next to one; drawn, if there are more."""
    named = whole_numbers(source)
    near = sorted({number for one in named for number in (one, one + 1, -one) if low <= number <= high})
    return near if len(near) <= most else sorted(random.Random(seed).sample(near, most))


def _value(node: ast.AST) -> Number | None:
    """What a node is, if it is a number of a size that anybody could want."""
    if isinstance(node, ast.Constant):
        number = node.value if type(node.value) in (int, float) else None
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand)
        number = None if inner is None else -inner
    elif isinstance(node, ast.BinOp):
        number = _computed(node)
    else:
        number = None
    return number if isinstance(number, (int, float)) and abs(number) <= _LARGEST else None


def _computed(node: ast.BinOp) -> Number | None:
    left, right, compute = _value(node.left), _value(node.right), _OPERATORS.get(type(node.op))
    if left is None or right is None or compute is None:
        return None
    if isinstance(node.op, (ast.Pow, ast.LShift)) and not 0 <= right <= _LARGEST_SHIFT:
        return None
    try:
        return compute(left, right)
    except (ArithmeticError, TypeError, ValueError):
        return None
