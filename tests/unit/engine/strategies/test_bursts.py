"""One task that goes on alone beyond the bound on waits: when is that over?"""

from types import SimpleNamespace
from typing import Any, cast

from grader.core.operations import DONE, Operation, OperationKind
from grader.engine.machine import Machine
from grader.engine.strategies.base import Choice
from grader.engine.strategies.bursts import MOST_ROUNDS, Burst
from grader.engine.waits import Bounds, Moment, Round, Sign, Waiting

NAP = Operation(OperationKind.SLEEP)
LOOKS = tuple(
    Sign(place, Operation(OperationKind.PROCESS_POLL, -place), DONE, changed=False) for place in (1, 2, 3)
)
ALL_THREE: Round = LOOKS
TWO_ARE_LEFT: Round = LOOKS[:2]


def asked(burst: Burst, waiting: Waiting) -> Any:
    machine = SimpleNamespace(pending={0: NAP}, objects={}, waiting_of=lambda task: waiting)
    return burst.insists(cast(Choice, SimpleNamespace(position=0, machine=cast(Machine, machine))))


def test_a_burst_ends_though_the_round_has_become_a_shorter_one() -> None:
    burst = Burst((), Bounds(0), 0)
    assert asked(burst, Waiting(0, Moment(None, LOOKS[2], 0, 1), 1, awaited=(ALL_THREE,))) == 0
    past = Moment(None, LOOKS[1], 0, 2)
    assert asked(burst, Waiting(0, past, 1, counts={TWO_ARE_LEFT: MOST_ROUNDS})) == 0
    assert asked(burst, Waiting(0, past, 1, counts={TWO_ARE_LEFT: MOST_ROUNDS + 1})) is None
    assert burst.gave_up_after is None
