"""Polling loops that count nothing: every ending is found within any bound, and going on for ever is noticed."""

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.engine import fairness
from grader.engine.scripted import Script
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.waits import Bounds
from tests.exploring import run_all
from tests.oracle import Oracle, TooManyStatesError, ending_of
from tests.polling import LOOKS, polling_scripts
from tests.programs import objects

some = settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
ENDINGS = (OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK)
STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "one failure": lambda: Dpor(Bounds(1)),
    "two failures": lambda: Dpor(Bounds(2)),
    "levels": lambda: BoundedWaits(150),
}


@pytest.fixture(autouse=True)
def few_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here counts, so a cycle that comes a few times comes for ever."""
    monkeypatch.setattr(fairness, "REPETITIONS", 12)


@st.composite
def polling_programs(draw: st.DrawFn, looks: Sequence[str]) -> list[Script]:
    return polling_scripts(lambda options: draw(st.sampled_from(options)), looks)


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES.keys())
@pytest.mark.parametrize("look", LOOKS)
def test_every_ending_is_found_and_going_on_for_ever_is_noticed(
    look: str, strategy: Callable[[], Strategy]
) -> None:
    """What a round that changes nothing comes to is no ending of its own, so few failures are enough."""

    @some
    @given(scripts=polling_programs((look,)))
    def check(scripts: list[Script]) -> None:
        oracle = Oracle(objects(), scripts, most_states=300)
        try:
            endings, hopeless = oracle.endings(), oracle.hopeless()
        except TooManyStatesError:
            assume(False)
        explored = run_all(
            objects(), scripts, strategy(), budget=Budget(150, math.inf, 2_000), tasks=oracle.tasks
        )
        assume(explored.total.stopped is StopReason.EXHAUSTED)
        polling = dict(enumerate(scripts))
        ended = [execution for execution in explored.executions if execution.outcome.kind in ENDINGS]
        assert {ending_of(execution, polling) for execution in ended} == endings
        assert (explored.kinds[OutcomeKind.LIVELOCK] > 0) == hopeless
        assert len(ended) + explored.kinds[OutcomeKind.LIVELOCK] == len(explored.executions)
        assert explored.total.pruned == 0

    check()
