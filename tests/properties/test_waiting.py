"""Retry loops at random: within a bound nothing is lost, nothing made twice; what is claimed has been covered.

The command `python -m tests.properties.waiting` does the same for as many programs as there is time for.
"""

import random
from itertools import pairwise

import pytest

from grader.core.execution import StopReason
from grader.engine import fairness
from grader.engine.strategies.dpor import Dpor
from grader.engine.waits import Bounds
from tests.exploring import run_all
from tests.oracle import TooManyStatesError
from tests.properties.waiting import ENOUGH, Program, examine
from tests.retrying import LOOKS, Plan, Wait, retrying, script
from tests.rounds import BoundedOracle, State

PART = 8


@pytest.fixture(autouse=True)
def few_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here counts far without a limit."""
    monkeypatch.setattr(fairness, "REPETITIONS", 12)


def programs(part: int) -> list[tuple[Plan, ...]]:
    picks = [random.Random(f"suite {part} {number}").choice for number in range(PART)]
    return [retrying(pick) for pick in picks]


@pytest.mark.parametrize("bound", [1, 2])
@pytest.mark.parametrize("part", range(4))
def test_every_outcome_within_the_bound_is_found_once_and_no_claim_is_too_large(
    part: int, bound: int
) -> None:
    found = [examine(plans, bound) for plans in programs(part)]
    assert [one.faults for one in found] == [()] * PART
    assert sum(not one.left_out for one in found) > PART // 3
    assert max(one.classes for one in found) > 1


def outcomes(program: Program, bound: int) -> set[object] | None:
    """What is found within a bound where everybody has ended or waits for ever; None if there is too much of it."""
    oracle = BoundedOracle(program.objects(), program.scripts(), bound)
    explored = run_all(program.objects(), program.scripts(), Dpor(Bounds(bound)), ENOUGH, oracle.tasks)
    if explored.total.stopped is not StopReason.EXHAUSTED:
        return None
    try:
        final = oracle.outcomes()
    except TooManyStatesError:
        return None
    reached = [oracle.reached(execution) for execution in explored.executions]
    return {_told(state) for state in reached if state.ending in final}


def _told(state: State) -> object:
    return tuple(sorted(state.objects.items())), tuple(history.told for history in state.histories)


@pytest.mark.parametrize("part", [5, 6])
def test_a_higher_bound_only_adds_outcomes(part: int) -> None:
    compared = added = 0
    for plans in programs(part):
        found = [outcomes(Program(plans), bound) for bound in (1, 2, 3)]
        known = [one for one in found if one is not None]
        for lower, higher in pairwise(known):
            assert lower <= higher
            compared, added = compared + 1, added + (lower < higher)
    assert compared > PART // 2
    assert added


@pytest.mark.parametrize("limits", [(2, 0), (0, 2), (3, 1)])
def test_one_function_for_tasks_that_give_up_and_tasks_that_do_not(limits: tuple[int, int]) -> None:
    """They wait at the same place: a bound that is right for the one must not take rounds away from the other."""
    plans = tuple(Plan((Wait("trylock", 1, limit),), shared=True) for limit in limits)
    holder = Plan(((*_SECTION, *_SECTION),))
    found = examine((*plans, holder), 1)
    assert not found.left_out
    assert not found.faults


_SECTION = tuple(LOOKS["flag under lock"])


def test_a_program_is_data_and_its_scripts_do_the_same_again() -> None:
    for plans in programs(0):
        for plan in plans:
            first, again = ([next(script(plan)())] for _ in range(2))
            assert first == again
