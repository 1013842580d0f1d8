"""The reference programs have as many traces as published, and as their configurations say."""

import pytest

from grader.core.execution import StopReason
from tests.exploring import Explored, run_all
from tests.litmus.classics import Classic
from tests.litmus.reference import EQUAL_WRITES, REFERENCE, Published
from tests.oracle import Oracle
from tests.unfolding import Classes, count_classes


def there_is(program: Classic, explored: Explored) -> Classes:
    return count_classes(Oracle(*program, explored.tasks), exits_matter=False)


@pytest.mark.parametrize("published", REFERENCE.values(), ids=REFERENCE.keys())
def test_there_are_as_many_traces_as_published(published: Published) -> None:
    explored = run_all(*published.program)
    assert explored.total.stopped is StopReason.EXHAUSTED
    assert explored.total.traces == published.traces
    assert explored.total.pruned == 0


SMALL = {
    name: program
    for name, program in {**{name: one.program for name, one in REFERENCE.items()}, **EQUAL_WRITES}.items()
    if len(program.scripts) < 7
}


@pytest.mark.parametrize("program", SMALL.values(), ids=SMALL.keys())
def test_every_outcome_is_found_and_every_class_executed_once(program: Classic) -> None:
    explored = run_all(*program)
    there = there_is(program, explored)
    assert explored.endings == there.endings
    assert explored.total.traces == there.number
    assert explored.total.pruned == 0
