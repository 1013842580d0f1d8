"""Numbers that a program names: what it may do something else for. Start at `whole_numbers`.

The judge tries them as inputs (`grader.grading.named`), the agent has clocks show them (`moments`).
"""

import ast
import functools
import operator
from collections.abc import Callable
from typing import TypeAlias

Number: TypeAlias = int | float

_LARGEST = 2**70
_LARGEST_SHIFT = 70
_PROGRAMS = 4
"""Of so many programs the numbers are kept: they are asked for again and again."""
_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}


@functools.lru_cache(_PROGRAMS)
def whole_numbers(source: str) -> frozenset[int]:
    """The whole numbers in the source, and those that it computes from such alone (`2**16 - 1`)."""
    return _whole(source, lambda node: node)


@functools.lru_cache(_PROGRAMS)
def divisors(source: str) -> frozenset[int]:
    """Those of them that something is divided by for the rest."""
    return _whole(source, _divisor)


@functools.lru_cache(_PROGRAMS)
def units(source: str) -> frozenset[int]:
    """Those of them that something is divided by to be counted in larger units."""
    return _whole(source, _unit)


def _unit(node: ast.AST) -> ast.AST | None:
    return node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv) else None


def _divisor(node: ast.AST) -> ast.AST | None:
    return node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None


def _whole(source: str, chosen: Callable[[ast.AST], ast.AST | None]) -> frozenset[int]:
    try:
        nodes = [one for node in ast.walk(ast.parse(source)) if (one := chosen(node)) is not None]
        found = {_value(node) for node in nodes}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(int(number) for number in found if number is not None and number == int(number))


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
