"""Whatever made-up tasks do, a session ends in a verdict and its reports. `tests.properties.sessions` plays more."""

import pytest

from grader.engine import fairness
from tests.properties.sessions import play

SESSIONS = 12


@pytest.mark.parametrize("part", range(6))
def test_a_session_ends_in_a_verdict_and_goes_the_same_way_again(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness, "REPETITIONS", 12)
    monkeypatch.setattr(fairness, "FEWEST_REPETITIONS", 12)
    assert sum(play(f"suite.{part}.{number}") for number in range(SESSIONS)) > 200
