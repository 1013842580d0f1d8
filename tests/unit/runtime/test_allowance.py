"""How much a task may compute: a fixed time in checks, as much as its first execution seems to need in explorations."""

import pytest

from grader.runtime import allowance
from grader.runtime.allowance import Allowance, Measured, longest_wait

HERE, THERE = ("consumer", 12), ("consumer", 13)


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "CHECK_SECONDS", 10.0)
    monkeypatch.setattr(allowance, "AGAIN_SECONDS", 2.0)
    monkeypatch.setattr(allowance, "FIRST_SECONDS", 60.0)


def test_in_a_check_the_limit_is_fixed_and_to_go_beyond_decides() -> None:
    limits = Allowance()
    limits.begin()
    limits.spoke(9.0)
    limits.begin()
    assert limits.decides
    assert limits.limit(HERE, threads=False) == limits.limit(HERE, threads=True) == 10.0


def test_where_a_task_has_gone_beyond_before_it_is_less() -> None:
    limits = Allowance()
    limits.exceeded(HERE)
    assert limits.limit(HERE, threads=False) == 2.0
    assert limits.limit(THERE, threads=False) == 10.0


@pytest.mark.parametrize(("most", "limit"), [(0.0, 10.0), (0.5, 10.0), (3.0, 60.0), (20.0, 400.0)])
def test_the_first_execution_is_the_measure(most: float, limit: float) -> None:
    limits = Measured()
    limits.begin()
    assert limits.limit(HERE, threads=False) == 60.0
    for seconds in (most / 2, most, most / 3):
        limits.spoke(seconds)
    assert limits.limit(HERE, threads=False) == 60.0
    limits.begin()
    limits.spoke(1000.0)
    assert limits.limit(HERE, threads=False) == limit
    assert not limits.decides


def test_a_thread_that_others_wait_for_is_not_waited_for_so_long() -> None:
    limits = Measured()
    limits.begin()
    assert limits.limit(HERE, threads=True) == 10.0


def test_what_is_given_holds_everywhere() -> None:
    limits = Measured(200.0)
    for _ in range(2):
        limits.begin()
        limits.exceeded(HERE)
        assert limits.limit(HERE, threads=False) == limits.limit(HERE, threads=True) == 200.0


@pytest.mark.parametrize("limit", [0.5, 10.0, 60.0, 400.0])
def test_a_task_that_has_a_thirtieth_of_a_core_reaches_its_limit(limit: float) -> None:
    assert longest_wait(limit) >= 30 * limit
