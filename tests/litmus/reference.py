"""Small programs that are known to show whether an optimal search leaves out an order, or makes one too many.

Most are those with which Concuerror (https://github.com/parapluu/Concuerror, `tests/suites/dpor_tests`) and the papers
on optimal reduction try it, said again with single cells of memory; names are theirs, and so are the published numbers
of traces. Start at `REFERENCE`.
"""

from typing import Any, NamedTuple

from grader.core.operations import ObjectId
from tests.litmus.classics import Classic, last_zero
from tests.programs import Branch, Text, memory_state, read, script_of, write

V, W, X, Y, Z, A, B, C = range(8)
"""The cells."""
CELLS: ObjectId = 1


class Published(NamedTuple):
    """A program, and how many traces it has according to those who thought of it."""

    program: Classic
    traces: int


def _does(*texts: Text) -> Classic:
    objects: dict[ObjectId, Any] = {CELLS: memory_state(bytes(8))}
    return Classic(objects, [script_of(text) for text in texts])


def _reads(*cells: int) -> Text:
    return tuple(read(CELLS, cell) for cell in cells)


def _writes(*cells: int, value: int = 1) -> Text:
    return tuple(write(bytes([value]), CELLS, cell) for cell in cells)


def _if_set(cell: int, then: Text, otherwise: Text = ()) -> Text:
    return (*_reads(cell), Branch(then, otherwise))


def _unless_set(cell: int, then: Text) -> Text:
    return _if_set(cell, (), then)


def _while_set(*cells: int) -> Text:
    """Read one after the other as long as what is there is not 0."""
    first, *others = cells
    return _if_set(first, _while_set(*others)) if others else _reads(first)


def five_tasks() -> Classic:
    """What is planned for an old race depends on the end of the trace: four initials come and go meanwhile."""
    return _does(_reads(X), _writes(Z), _writes(X), _reads(Z, Z), _reads(X))


def depend_1() -> Classic:
    return _does(_writes(Z), _writes(X), _writes(Y), _while_set(X, Y, Z), _while_set(Y, Z))


def depend_2() -> Classic:
    return _does(_writes(Z), _writes(Y), _while_set(Y, Z), _writes(X), _while_set(X, Y, Z))


def depend_3() -> Classic:
    twice = (*_writes(Y), *_writes(Y, value=2))
    return _does(_writes(Z), _writes(X), twice, _while_set(X, Y, Z), _while_set(Y, Z))


def depend_4() -> Classic:
    """A second writer of x, whose value leads no further."""
    back = _writes(X, value=0)
    return _does(_writes(Z), _writes(X), _writes(Y), _while_set(X, Y, Z), _while_set(Y, Z), back)


def depend_5() -> Classic:
    twice = (*_writes(Y), *_writes(Y, value=2))
    return _does(_writes(Z), _writes(X), twice, _while_set(X, Y, Z), _reads(X))


def depend_6() -> Classic:
    twice = (*_writes(Y), *_writes(Y, value=2))
    return _does(_reads(Y, Z), _reads(Y), _writes(Z), twice)


def optimal_example() -> Classic:
    """Figure 4 of the paper: source sets alone run into sleep sets here."""
    last = _if_set(Z, _unless_set(Y, _writes(X, value=2)))
    return _does(_writes(X), _writes(Y), _unless_set(Y, _writes(Z)), last)


def many_initials() -> Classic:
    return _does(_writes(X), _writes(Y), _writes(Z), (*_reads(Y), Branch(_while_set(Z, X), _reads(Z))))


def sleeping_races_1() -> Classic:
    return _does(_writes(Y), _writes(X), _while_set(X, Y))


def sleeping_races_2() -> Classic:
    return _does(_writes(Y), _writes(X), (*_writes(Y, value=2), *_while_set(X, Y)))


def sleeping_races_3(*, reads: bool) -> Classic:
    return _does(_writes(Y), _writes(X), _reads(X) if reads else _writes(X, value=2), _while_set(X, Y))


def sleeping_races_4() -> Classic:
    return _does(_writes(Y), _writes(X), _reads(X), _while_set(X, Y), _reads(Y))


def sleeping_races_5() -> Classic:
    return _does(_writes(Y), _writes(X), _reads(X, Y), _while_set(X, Y), _reads(Y))


def sleeping_races_6() -> Classic:
    return _does(_writes(W), _writes(X), _writes(Y), (*_reads(Y), *_writes(Z)), _while_set(Y, Z, X, W))


def different_dependences(case: int) -> Classic:
    """Two who read x only if they have seen something else."""
    if case == 1:
        return _does(_writes(X), _writes(Y), _writes(Z), _while_set(Z, X), _while_set(Y, X))
    if case == 2:
        return _does(_writes(X), _while_set(Z, X), _while_set(Y, X), _writes(Y), _writes(Z))
    return _does(_writes(X), _writes(Z), _while_set(Z, X), _reads(X))


def conditional_readers(case: int) -> Classic:
    once = {
        1: _unless_set(Y, (*_reads(X), *_writes(Y))),
        2: _unless_set(Y, _if_set(X, _writes(Y))),
    }
    if case == 3:
        return _does(_writes(X), _unless_set(Y, _reads(X)), (*_reads(X), *_writes(Y)))
    return _does(_writes(X), once[case], once[case])


def difficult_readers() -> Classic:
    return _does(_writes(X), _writes(X, value=2), _reads(X), _reads(X))


def long_chain() -> Classic:
    """Each writes on what the one before it has written; at two places w is looked at."""
    links = [_if_set(one, _writes(other)) for one, other in ((X, Y), (Y, A), (A, B), (B, C), (C, Z))]
    return _does(_writes(X, W), *links, _while_set(A, W), _while_set(Z, W))


def combination_lock() -> Classic:
    """Each opens the next; only one order comes to the end."""
    return _does(
        _writes(Z),
        (*_writes(X), *_if_set(Y, _writes(W))),
        _if_set(X, (*_writes(Y), *_while_set(V, Z))),
        _if_set(W, _writes(V)),
    )


def prerequisites() -> Classic:
    return _does(_writes(X, Y), _while_set(Y, X), _writes(Y))


def many_writes(cells: int) -> Classic:
    """Two writers of each cell."""
    return _does(*[_writes(cell, value=value) for value in (1, 2) for cell in range(cells)])


def two_writers_two_readers() -> Classic:
    return _does(_writes(X), _writes(X, value=2), _reads(Y, X), _reads(Y, X))


def two_writes_two_readers() -> Classic:
    return _does((*_writes(X), *_writes(X, value=2)), _reads(Y, X), _reads(Y, X))


def rotated() -> Classic:
    """Three that look at one of three cells, and set or clear another."""

    def turn(one: int, second: int, third: int) -> Text:
        return _if_set(one, _writes(third, value=0), _writes(second))

    return _does(turn(X, Y, Z), turn(Y, Z, X), turn(Z, X, Y))


def readers_with_own_cells(number: int) -> Classic:
    """The program that shows why persistent sets are not enough: each reader reads something of its own first."""
    objects: dict[ObjectId, Any] = {CELLS: memory_state(bytes(number + 1))}
    texts = [_writes(0), *[_reads(own, 0) for own in range(1, number + 1)]]
    return Classic(objects, [script_of(text) for text in texts])


REFERENCE = {
    "five tasks": Published(five_tasks(), 12),
    "depend 1": Published(depend_1(), 12),
    "depend 2": Published(depend_2(), 12),
    "depend 3": Published(depend_3(), 30),
    "depend 4": Published(depend_4(), 30),
    "depend 5": Published(depend_5(), 12),
    "depend 6": Published(depend_6(), 18),
    "optimal example": Published(optimal_example(), 5),
    "many initials": Published(many_initials(), 5),
    "sleeping races 1": Published(sleeping_races_1(), 3),
    "sleeping races 2": Published(sleeping_races_2(), 5),
    "sleeping races 3, reading": Published(sleeping_races_3(reads=True), 6),
    "sleeping races 3, writing": Published(sleeping_races_3(reads=False), 10),
    "sleeping races 4": Published(sleeping_races_4(), 12),
    "sleeping races 5": Published(sleeping_races_5(), 24),
    "sleeping races 6": Published(sleeping_races_6(), 10),
    "different dependences 1": Published(different_dependences(1), 9),
    "different dependences 2": Published(different_dependences(2), 9),
    "different dependences 3": Published(different_dependences(3), 6),
    "conditional readers 3": Published(conditional_readers(3), 6),
    "difficult readers": Published(difficult_readers(), 18),
    "long chain": Published(long_chain(), 20),
    "combination lock": Published(combination_lock(), 6),
    "many writes 2": Published(many_writes(2), 4),
    "many writes 4": Published(many_writes(4), 16),
    "two writes, two readers": Published(two_writes_two_readers(), 9),
    "two writers, two readers": Published(two_writers_two_readers(), 18),
    "rotated": Published(rotated(), 7),
    "readers with own cells 6": Published(readers_with_own_cells(6), 64),
    "last zero 4": Published(last_zero(4), 28),
    "last zero 5": Published(last_zero(5), 64),
}

EQUAL_WRITES = {
    "conditional readers 1": conditional_readers(1),
    "conditional readers 2": conditional_readers(2),
    "prerequisites": prerequisites(),
}
"""Here two tasks may write the same value. Concuerror lets such writes commute and needs fewer traces; we do not."""
