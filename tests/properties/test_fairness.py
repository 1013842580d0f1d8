"""Polling loops are set aside without losing what could come of them."""

from collections.abc import Callable, Sequence

import pytest
from grader.engine.strategies.learning import Learning
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.core.execution import Budget, OutcomeKind, StopReason
from grader.engine.scripted import Script
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.dpor import Dpor
from tests.exploring import run_all
from tests.oracle import Oracle, TooManyStatesError, ending_of
from tests.polling import LOOKS, polling_scripts
from tests.programs import objects

some = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
ENDINGS = (OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK)


@st.composite
def polling_programs(draw: st.DrawFn, looks: Sequence[str]) -> list[Script]:
    return polling_scripts(lambda options: draw(st.sampled_from(options)), looks)


@pytest.mark.parametrize("strategy", [Dpor, lambda: Learning(first=1)], ids=["plain", "learning"])
@pytest.mark.parametrize("look", LOOKS)
def test_every_ending_is_found_and_going_on_for_ever_is_noticed(
    look: str, strategy: Callable[[], Strategy]
) -> None:
    @some
    @given(scripts=polling_programs((look,)))
    def check(scripts: list[Script]) -> None:
        oracle = Oracle(objects(), scripts, most_states=300)
        try:
            endings, hopeless = oracle.endings(), oracle.hopeless()
        except TooManyStatesError:
            assume(False)
        explored = run_all(objects(), scripts, strategy(), budget=Budget(150, 60, 2_000), tasks=oracle.tasks)
        assume(explored.total.stopped is StopReason.EXHAUSTED)
        polling = dict(enumerate(scripts))
        ended = [execution for execution in explored.executions if execution.outcome.kind in ENDINGS]
        assert {ending_of(execution, polling) for execution in ended} == endings
        assert (explored.kinds[OutcomeKind.LIVELOCK] > 0) == hopeless
        assert len(ended) + explored.kinds[OutcomeKind.LIVELOCK] == len(explored.executions)
        assert explored.total.pruned == 0

    check()
