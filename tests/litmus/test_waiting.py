"""Programs that wait by trying again: how many orders they have within each bound, and what is found and claimed.

The numbers of orders come from the design, and again from `tests.rounds`, which goes through all interleavings.
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from grader.core.execution import NO_LIMIT, Budget, Claim, Execution, OutcomeKind, StopReason
from grader.core.operations import OperationKind
from grader.engine import fairness, waits
from grader.engine.machine import World
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.waits import Bounds, Round, Sign, Waiting
from tests.exploring import Explored, run_all
from tests.litmus.waiting import DONE_CELL, LOST_CELL, TABLE, Orders, Row
from tests.programs import MEMORY, objects
from tests.rounds import BoundedOracle

ENOUGH = Budget(executions=300, seconds=math.inf, steps=1_000)


@pytest.fixture(autouse=True)
def few_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop here counts further than to a hundred, but for those that say so."""
    monkeypatch.setattr(fairness, "REPETITIONS", 110)


class Recording(Dpor):
    """Keeps all vain rounds that were made."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(bounds)
        self.rounds: set[Round] = set()

    def finished(self, execution: Execution, world: World) -> None:
        for waiting in world.waiting.values():
            self.rounds.update(waiting.counts)
        super().finished(execution, world)


@functools.cache
def found(name: str, bound: int) -> Explored:
    """See `within`; explored once."""
    return within(TABLE[name], bound)


@functools.cache
def truth(name: str, bound: int) -> BoundedOracle:
    """The truth within a bound of 1 or more."""
    return BoundedOracle(objects(), TABLE[name].scripts, bound)


def within(row: Row, bound: int) -> Explored:
    """Everything within a bound; within 0, with all rounds known that are made within 1."""
    known: frozenset[Round] = frozenset()
    if bound == 0:
        recording = Recording(Bounds(1))
        run_all(objects(), row.scripts, recording, ENOUGH)
        known = frozenset(recording.rounds)
    return run_all(objects(), row.scripts, Dpor(Bounds(bound, {}, known)), ENOUGH)


def orders(explored: Sequence[Explored]) -> Orders:
    """How many orders the search has made within each bound."""
    assert {one.total.pruned for one in explored} == {0}
    return Orders(*(one.total.traces for one in explored))


def true_orders(name: str) -> Orders:
    """How many classes of interleavings there are within each bound."""
    one, two = (truth(name, bound) for bound in (1, 2))
    none = BoundedOracle(objects(), TABLE[name].scripts, 0, one.rounds())
    return Orders(*(oracle.count_classes() for oracle in (none, one, two)))


@pytest.mark.parametrize("name", TABLE)
def test_the_number_of_orders_within_each_bound(name: str) -> None:
    assert orders([found(name, bound) for bound in (0, 1, 2)]) == TABLE[name].orders
    assert true_orders(name) == TABLE[name].orders


@pytest.mark.parametrize("bound", [1, 2])
@pytest.mark.parametrize("name", TABLE)
def test_every_outcome_within_the_bound_is_found(name: str, bound: int) -> None:
    oracle = truth(name, bound)
    assert {oracle.end_of(execution) for execution in found(name, bound).executions} == oracle.endings()


class Expected(NamedTuple):
    """What is claimed in the end, and how often somebody fails who gives up (0: nobody does)."""

    claim: Claim | None
    tries: int = 0


UP_TO_3 = Claim(3)
"""Until it is proven that a round changes nothing: what is right for ever is then claimed without a limit."""
EXPECTED = {
    "trylock for ever": Expected(UP_TO_3),
    "trylock with a counter": Expected(UP_TO_3),
    "four equal delays": Expected(NO_LIMIT, 4),
    "fifty tries": Expected(None, 50),
    "fifty tries, three sections": Expected(None, 50),
    "two that give up": Expected(NO_LIMIT, 4),
    "generator of delays": Expected(NO_LIMIT, 4),
    "counter in a dict": Expected(NO_LIMIT, 4),
    "counter in an attribute": Expected(NO_LIMIT, 4),
    "get again": Expected(UP_TO_3),
    "get gives up": Expected(None, 100),
    "drain with a last look": Expected(UP_TO_3),
    "two locks in the same order": Expected(NO_LIMIT),
    "Peterson": Expected(UP_TO_3),
    "Dekker": Expected(UP_TO_3),
    "flag": Expected(UP_TO_3),
    "flag under the lock": Expected(UP_TO_3),
    "event": Expected(UP_TO_3),
    "torn": Expected(UP_TO_3),
    "either of two flags": Expected(UP_TO_3),
    "flag that toggles": Expected(UP_TO_3),
    "list of a manager": Expected(UP_TO_3),
    "the same ten times": Expected(NO_LIMIT),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_claimed_and_who_gives_up(name: str) -> None:
    expected = EXPECTED[name]
    explored = run_all(objects(), TABLE[name].scripts, BoundedWaits(2_000), ENOUGH)
    assert explored.total.covered == expected.claim
    assert set(explored.kinds) == {OutcomeKind.COMPLETED}
    lost = [execution for execution in explored.executions if has_lost(name, execution)]
    assert bool(lost) == bool(expected.tries)
    assert not lost or min(map(failures, lost)) == expected.tries


def has_lost(name: str, execution: Execution) -> bool:
    """Whether somebody has come away empty-handed."""
    cells: bytes = execution.objects[MEMORY].data  # type: ignore[attr-defined]
    if "drain" in name or name == "get gives up":
        return cells[DONE_CELL] < 3
    return cells[LOST_CELL] == 1 and any(part in name for part in ("delays", "tries", "counter in", "up"))


def failures(execution: Execution) -> int:
    """How often the first task has failed, or the second one, whichever did more often."""
    by_task = [
        sum(step.task == task and step.result is not None and not step.result.ok for step in execution.trace)
        for task in (0, 1)
    ]
    return max(by_task)


@pytest.mark.parametrize(("name", "states"), [("fifty tries", 1), ("fifty tries, three sections", 3)])
def test_few_executions_beyond_the_bound_find_who_gives_up_late(name: str, states: int) -> None:
    bursts = (
        1 + 2 * states
    )  # one shows it; then to the end, and not, in every state in which the bound has bitten
    total = run_all(objects(), TABLE[name].scripts, BoundedWaits(2_000), ENOUGH).total
    assert total.executions - TABLE[name].orders.one == bursts


ENDLESS = {
    "two locks in opposite order": Orders(1, 3, 19),
    "after you": Orders(1, 3, 19),
    "flag that is never set": Orders(1, 1, 1),
}


@pytest.mark.parametrize("name", TABLE)
def test_who_goes_on_for_ever_in_which_orders(name: str) -> None:
    kinds = [found(name, bound).kinds for bound in (0, 1, 2)]
    assert Orders(*(kind[OutcomeKind.LIVELOCK] for kind in kinds)) == ENDLESS.get(name, Orders(0, 0, 0))
    assert {*kinds[0], *kinds[1], *kinds[2]} <= {OutcomeKind.COMPLETED, OutcomeKind.LIVELOCK}


@pytest.mark.parametrize("name", ENDLESS)
def test_levels_and_bursts_find_what_goes_on_for_ever(name: str) -> None:
    explored = run_all(objects(), TABLE[name].scripts, BoundedWaits(40), Budget(40, math.inf, 1_000))
    assert explored.kinds[OutcomeKind.LIVELOCK] > 0


def last_cells(name: str, bound: int, cell: int) -> set[int]:
    """What stands in a cell in the end."""
    return {execution.objects[MEMORY].data[cell] for execution in found(name, bound).executions}  # type: ignore[attr-defined]


@pytest.mark.parametrize("bound", [0, 1, 2])
def test_all_endings_come_within_any_bound(bound: int) -> None:
    assert last_cells("torn", bound, 2) == {5, 6}
    assert last_cells("either of two flags", bound, 2) == {5, 6}
    assert last_cells("drain with a last look", bound, DONE_CELL) == {3}
    assert last_cells("drain without", bound, DONE_CELL) == {0, 1, 2, 3}


def test_a_claim_is_the_same_every_time() -> None:
    for name in ("four equal delays", "fifty tries", "Peterson", "flag that is never set"):
        made = {
            (run.total.executions, run.total.traces, run.total.covered, tuple(sorted(run.kinds.items())))
            for run in (
                run_all(objects(), TABLE[name].scripts, BoundedWaits(60), Budget(60, math.inf, 1_000))
                for _ in range(4)
            )
        }
        assert len(made) == 1


def first_look(one: Round) -> int:
    return min(number for number, sign in enumerate(one) if sign.is_look)


def test_mutation_waiting_at_the_first_look_loses_an_order_of_a_torn_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waits, "_last_look", first_look)
    row = TABLE["torn"]
    assert orders([within(row, bound) for bound in (0, 1, 2)]) != row.orders


def test_mutation_a_failed_try_that_is_no_look_leaves_retry_loops_without_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_look(sign: Sign) -> bool:
        succeeded = sign.result is not None and sign.result.ok
        return succeeded and not sign.changed and sign.operation.kind is not OperationKind.SLEEP

    monkeypatch.setattr(Sign, "is_look", property(is_look))
    total = within(TABLE["trylock for ever"], 1).total
    assert (total.stopped, total.traces) != (StopReason.EXHAUSTED, 3)


def test_mutation_contents_compared_by_identity_leave_calls_of_managers_without_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled = Waiting.settled
    monkeypatch.setattr(Waiting, "settled", lambda waiting, changed: settled(waiting, True))
    total = within(TABLE["list of a manager"], 1).total
    assert (total.stopped, total.traces) != (StopReason.EXHAUSTED, 2)


def test_mutation_whoever_has_the_lowest_number_goes_first_is_not_fair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fairness.Continuation, "_turn", lambda self, task: (0, task))
    kinds = within(TABLE["flag under the lock"], 1).kinds
    assert kinds[OutcomeKind.LIVELOCK] > 0
