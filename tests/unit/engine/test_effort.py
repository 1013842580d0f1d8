"""An execution that costs too much is cut off for what it has computed; time on the wall blames the machine."""

from typing import Any

import pytest

from grader.core.execution import OutcomeKind, Silence
from grader.engine import effort
from grader.engine.effort import Effort


class Costs:
    """A clock, and a session that has computed so much."""

    def __init__(self) -> None:
        self.now = 5.0
        self.cpu = 40.0
        self.asked = 0

    def computed(self) -> float:
        self.asked += 1
        return self.cpu


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Any:
    costs = Costs()
    monkeypatch.setattr(effort, "_clock", lambda: costs.now)
    monkeypatch.setattr(effort.time, "process_time", lambda: 1_000.0)
    return costs


def test_nobody_is_asked_about_a_short_execution(costs: Any) -> None:
    spent = Effort()
    costs.now += effort.LOOK_SECONDS - 1
    assert spent.outcome(costs, 1, 2) is None
    assert costs.asked == 0


def test_what_was_computed_before_does_not_count(costs: Any) -> None:
    spent = Effort()
    costs.cpu = 10_000.0
    costs.now += effort.LOOK_SECONDS
    assert spent.outcome(costs, 1, 2) is None


def test_who_has_computed_too_much_is_cut_off(costs: Any) -> None:
    spent = Effort()
    for cpu in (0.0, 30.0, 60.0):
        costs.cpu = 40.0 + cpu
        costs.now += effort.LOOK_SECONDS
        assert spent.outcome(costs, 1, 2) is None
    costs.cpu += 1.0
    assert spent.outcome(costs, 1, 2) is None, "it is not looked at all the time"
    costs.now += effort.LOOK_SECONDS
    outcome = spent.outcome(costs, 1, 2)
    assert outcome is not None
    assert (outcome.kind, outcome.task, outcome.line) == (OutcomeKind.UNCONTROLLED, 1, 2)
    assert outcome.detail == effort.TOO_SLOW


@pytest.mark.parametrize(("held", "silence"), [(0.5, Silence.BUSY), (0.1, Silence.STALLED)])
def test_who_has_only_waited_blames_the_machine_if_that_kept_the_judge_waiting(
    costs: Any, monkeypatch: pytest.MonkeyPatch, held: float, silence: Silence
) -> None:
    monkeypatch.setattr(effort, "_waited", lambda: costs.now * held)
    spent = Effort()
    outcome = None
    while outcome is None:
        costs.now += effort.LOOK_SECONDS
        outcome = spent.outcome(costs, 1, 2)
    assert (outcome.kind, outcome.silence) == (OutcomeKind.SILENT, silence)
    assert costs.now - 5.0 > effort.MOST_SECONDS
