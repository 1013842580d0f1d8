"""Happens-before against its definition, on executions of the classics."""

import pytest

from grader.core.operations import DONE, Operation, OperationKind, Step, process_object
from grader.engine.strategies.order import HappensBefore
from tests.exploring import run_all
from tests.litmus import classics
from tests.oracle import in_order

PROGRAMS = {
    "two sections": classics.two_sections(2),
    "sentinels": classics.sentinels(2, 2),
    "killed": classics.terminated_while_holding(),
    "condition": classics.buffer_by_condition(),
}


def by_definition(trace: tuple[Step, ...]) -> list[set[int]]:
    past: list[set[int]] = []
    for number, step in enumerate(trace):
        direct = {k for k in range(number) if in_order(trace[k], step)}
        past.append(direct.union(*(past[k] for k in direct)))
    return past


def masks(order: HappensBefore) -> list[set[int]]:
    return [{k for k in range(mask.bit_length()) if mask >> k & 1} for mask in order.past]


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_the_past_of_each_step_is_what_the_definition_says(program: classics.Classic) -> None:
    for execution in run_all(*program).executions:
        order = HappensBefore()
        for step in execution.trace:
            order.add(step)
        assert masks(order) == by_definition(execution.trace)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_after_a_cut_it_goes_on_as_if_nothing_had_been_behind(program: classics.Classic) -> None:
    trace = run_all(*program).executions[-1].trace
    order = HappensBefore()
    for length in range(len(trace)):
        for step in trace[len(order.trace) :]:
            order.add(step)
        assert masks(order) == by_definition(trace)
        order.cut(length)
        assert masks(order) == by_definition(trace[:length])


def test_of_identical_tasks_each_begins_after_the_one_before_it() -> None:
    """To sleep is not to begin, and nothing else keeps two readers in order."""
    nap, look = Operation(OperationKind.SLEEP), Operation(OperationKind.MEMORY_READ, 7, number=1)
    start = Operation(OperationKind.PROCESS_START, process_object(1))
    like = Operation(OperationKind.PROCESS_START, process_object(2), like=process_object(1))
    order = HappensBefore()
    for task, operation in ((0, start), (0, like), (2, nap), (1, look), (1, look)):
        order.add(Step(task, operation, DONE, () if operation is nap else (operation.object,)))
    assert order.known_to(2, nap) == 0b00111
    assert order.known_to(2, look) == 0b01111
    order.add(Step(2, look, DONE, (7,)))
    assert masks(order)[5] == {0, 1, 2, 3}
    assert order.known_to(2, look) == 0b101111
    order.cut(3)
    assert order.known_to(2, look) == 0b00111
    order.cut(1)
    assert order.behind == {}
