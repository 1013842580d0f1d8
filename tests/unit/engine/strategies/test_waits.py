"""The ladder of bounds: what it explores, what it shows beyond, and what it claims when."""

import math
from collections.abc import Generator
from typing import Any

import pytest

from grader.core.execution import NO_LIMIT, Budget, Claim, OutcomeKind, StopReason
from grader.core.operations import Result
from grader.engine import fairness
from grader.engine.scripted import Script
from grader.engine.strategies.bursts import MOST_ROUNDS
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.waits import MOST_ROUNDS_EXPLORED, BoundedWaits
from tests.exploring import Explored, run_all
from tests.litmus.waiting import get_again, gives_up, holder, polls, putter, sets, two_locks
from tests.polling import plain
from tests.programs import LOCK, MEMORY, RLOCK, objects, read, write
from tests.rounds import BoundedOracle

Steps = Generator[Any, Result, None]


@pytest.fixture(autouse=True)
def few_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop here goes on beyond a cycle of a few hundred rounds but for ever."""
    monkeypatch.setattr(fairness, "REPETITIONS", MOST_ROUNDS + 100)


def explored(*scripts: Script, executions: int = 400) -> Explored:
    return run_all(objects(), scripts, BoundedWaits(executions), Budget(executions, math.inf, 3_000))


def test_without_waits_it_is_dpor() -> None:
    scripts = [plain([read(), write(bytes([number + 1]))] * 2) for number in range(2)]
    plain_dpor = run_all(objects(), scripts, Dpor())
    levels = explored(*scripts)
    assert [e.schedule for e in levels.executions] == [e.schedule for e in plain_dpor.executions]
    assert levels.total.covered == NO_LIMIT
    assert levels.total.executions == levels.total.traces


@pytest.mark.parametrize("tries", [1, 2, 3, 5, MOST_ROUNDS_EXPLORED])
def test_a_loop_over_so_many_tries_is_explored_to_exactly_that_many(tries: int) -> None:
    """An order for each number of failures, none included, up to all of them."""
    seen = explored(gives_up(range(tries)), holder())
    assert seen.total.stopped is StopReason.EXHAUSTED
    assert seen.total.covered == NO_LIMIT
    assert seen.total.traces == tries + 2  # the last one: the try comes before the holder
    oracle = BoundedOracle(objects(), [gives_up(range(tries)), holder()], None)
    assert {oracle.end_of(execution) for execution in seen.executions} == oracle.endings()


@pytest.mark.parametrize("tries", [MOST_ROUNDS_EXPLORED + 1, 50, MOST_ROUNDS])
def test_who_gives_up_later_is_found_and_nothing_is_claimed(tries: int) -> None:
    seen = explored(gives_up(range(tries)), holder())
    assert seen.total.covered is None
    assert seen.total.stopped is StopReason.EXECUTIONS
    failures = [sum(not s.result.ok for s in e.trace if s.result is not None) for e in seen.executions]
    assert max(failures) == tries
    assert seen.total.executions < 8


def test_one_that_gives_up_and_one_that_does_not_at_the_same_place() -> None:
    """Four delays for the one, any number for the other: the claim is about both."""

    def forever() -> Any:
        while True:
            yield 1

    seen = explored(gives_up((1, 1)), gives_up(forever), holder(), executions=2_000)
    assert seen.total.covered == Claim(3)
    truth = BoundedOracle(objects(), [gives_up((1, 1)), gives_up(forever), holder()], 3, tasks=seen.tasks)
    reached = {truth.reached(execution).ending for execution in seen.executions}
    assert truth.outcomes() <= reached


def test_nothing_is_claimed_for_a_level_that_the_budget_has_cut() -> None:
    """Whatever the budget, what is claimed has been made."""
    scripts = [get_again(3), putter(3)]
    claims = []
    for executions in (1, 3, 4, 5, 9, 16, 17, 18, 20, 30, 60, 120, 250):
        seen = explored(*scripts, executions=executions)
        claims.append(seen.total.covered)
        if seen.total.covered is None:
            continue
        assert seen.total.covered.waits is not None
        if seen.total.covered.waits:
            truth = BoundedOracle(objects(), scripts, seen.total.covered.waits, tasks=seen.tasks)
            reached = {truth.reached(execution).ending for execution in seen.executions}
            assert truth.outcomes() <= reached
    known = [claim.waits for claim in claims if claim is not None and claim.waits is not None]
    assert claims[0] is None
    assert known == sorted(known)
    assert known[-1] == 3


def test_what_is_too_large_is_explored_as_if_no_wait_failed_first() -> None:
    scripts = [get_again(3), get_again(3), putter(6)]
    seen = explored(*scripts, executions=300)
    assert seen.total.covered == Claim(0)
    assert (seen.total.executions, seen.total.stopped) == (300, StopReason.EXECUTIONS)


def test_a_livelock_in_step_is_found_within_the_first_level() -> None:
    seen = explored(two_locks(LOCK, RLOCK), two_locks(RLOCK, LOCK), executions=16)
    assert seen.kinds[OutcomeKind.LIVELOCK] > 0
    assert OutcomeKind.STEP_LIMIT not in seen.kinds


def test_what_never_ends_and_changes_something_is_never_exhausted() -> None:
    def heartbeat() -> Steps:
        number = 0
        while True:
            number = (number + 1) % 100
            yield write(bytes([number]), MEMORY, 1)

    seen = run_all(objects(), [heartbeat, sets()], BoundedWaits(20), Budget(20, math.inf, 60))
    assert seen.total.covered is None
    assert seen.total.stopped is not StopReason.EXHAUSTED
    assert set(seen.kinds) == {OutcomeKind.STEP_LIMIT}


def test_the_first_execution_is_a_fair_one() -> None:
    seen = explored(polls(read(MEMORY, 0)), sets(), executions=1)
    assert seen.kinds == {OutcomeKind.COMPLETED: 1}
