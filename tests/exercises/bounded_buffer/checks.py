"""Checks of the bounded buffer: an exercise that is not one of the three, built as the README says."""

import pytest

from grader.grading import expect
from grader.grading.flaws import Flaw
from grader.grading.lab import Lab
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario

RUN = "run_buffer"
MAIN = 1


def ran(seen: Observed, items: list[int], capacity: int, consumers: int) -> list[Flaw]:
    call = f"run_buffer({items}, {capacity}, {consumers})"
    return [
        *expect.all_together(seen, MAIN, consumers + 1, call),
        *expect.returned(seen, MAIN, sum(items), call),
        *expect.nothing_left(seen, MAIN, call),
    ]


@pytest.mark.check(points=2, function=RUN)
def test_passes_on(lab: Lab) -> None:
    """What is put in comes out, where there is room for everything"""
    scenario = Scenario(2)
    scenario.main(RUN, [1, 2], 2, 1)
    lab.explore(scenario, lambda seen: ran(seen, [1, 2], 2, 1))


@pytest.mark.check(points=3, function=RUN, after=["test_passes_on"])
def test_waits_for_room(lab: Lab) -> None:
    """The producer waits for room, and no item is overwritten"""
    scenario = Scenario(2)
    scenario.main(RUN, [1, 2], 1, 1)
    lab.explore(scenario, lambda seen: ran(seen, [1, 2], 1, 1))


@pytest.mark.check(points=3, function=RUN, after=["test_waits_for_room"])
def test_shares(lab: Lab) -> None:
    """Two consumers share the items, and each item is taken once"""
    scenario = Scenario(3)
    scenario.main(RUN, [1, 2], 1, 2)
    lab.explore(scenario, lambda seen: ran(seen, [1, 2], 1, 2), most=400)
