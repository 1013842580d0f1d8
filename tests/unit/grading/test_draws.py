"""What differs between two executions, and what is said of a result that chance or the clock decides."""

import datetime
import pickle
import time

import pytest

from grader.core.execution import Execution, Outcome, OutcomeKind
from grader.core.operations import Operation, OperationKind, Step
from grader.core.verdict import Dependence, Evidence, EvidenceLevel, Finding, FindingKind
from grader.grading import sameness
from grader.grading.draws import told_under
from grader.grading.merging import merge
from grader.report import words
from grader.runtime.agent.draws import CLOCKS, HASHES, HIGHEST, MOMENTS, OF_CHANCE, STEADY

KIND = OperationKind
WALL, RUNNING = CLOCKS[17]


def did(*operations: Operation, out: str = "", ended: OutcomeKind = OutcomeKind.COMPLETED) -> Execution:
    steps = tuple(Step(1, operation, None, ()) for operation in operations)
    schedule = (1,) * len(steps)
    return Execution(schedule, steps, Outcome(ended), {}, {}, {}, output={1: out} if out else {})


def put(item: object) -> Operation:
    return Operation(KIND.QUEUE_PUT, 5, data=pickle.dumps(item))


def sleep(number: int) -> Operation:
    return Operation(KIND.SLEEP, number=number)


def like(one: Execution, other: Execution, *, prints: bool = True) -> bool:
    digests = [sameness.digest(each, len(each.trace), prints=prints) for each in (one, other)]
    return digests[0] == digests[1]


def test_for_how_long_somebody_sleeps_is_no_difference() -> None:
    assert like(did(sleep(3), put(1)), did(sleep(7), put(1)))
    assert not like(did(sleep(3), put(1)), did(sleep(3), put(2)))
    assert not like(did(sleep(3), put(1)), did(put(1)))


def test_what_a_process_is_called_is_no_difference() -> None:
    one, other = (Operation(KIND.PROCESS_START, -3, text=name) for name in ("a", "b"))
    assert like(did(one), did(other))


def test_what_is_printed_counts_where_it_is_all_there_is() -> None:
    assert like(did(out="1"), did(out="2"), prints=False)
    assert not like(did(out="1"), did(out="2"))


def test_of_an_execution_without_end_only_its_steps_count() -> None:
    one = did(put(1), put(2), ended=OutcomeKind.LIVELOCK)
    other = did(put(1), put(2), put(1), put(2), ended=OutcomeKind.LIVELOCK)
    assert sameness.digest(one, 2, prints=True) == sameness.digest(other, 2, prints=True)
    assert sameness.digest(one, 2, prints=True) != sameness.digest(did(put(1), put(2)), 2, prints=True)


def told(moment: float, running: float) -> list[object]:
    when = datetime.datetime.fromtimestamp(moment)
    texts = [
        f"{when}",
        f"{when:%H:%M}",
        f"{when:%d.%m.%Y}",
        time.ctime(moment),
        f"{when:%A %B}",
        f"{when.year}",
    ]
    return [
        *texts,
        moment,
        int(moment * 1000),
        int(moment * 10**9),
        running,
        f"took {running - 10_000:.9f} s",
        when.year,
    ]


NOW, RUNS = 1_700_000_000.25, 10_000.52


@pytest.mark.parametrize("number", range(len(told(NOW, RUNS))))
def test_what_tells_the_time_may_differ_as_the_clocks_do(number: int) -> None:
    one, other = told(NOW, RUNS)[number], told(NOW + WALL, RUNS + RUNNING)[number]
    if isinstance(one, str) and one.startswith("took"):
        other = "took 0.520000001 s"
    assert one != other
    shifts = WALL, RUNNING
    assert sameness.same_but_for_the_clock(did(put(one)), did(put(other)), shifts, prints=True)
    assert sameness.same_but_for_the_clock(did(out=str(one)), did(out=str(other)), shifts, prints=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), ("old", "new"), (3, 3.5), ("a 1", "b 1"), ([1], [1, 2]), (100, 200), ("x", 1), (0, 5)],
)
def test_what_does_not_tell_the_time_may_not(one: object, other: object) -> None:
    shifts = WALL, RUNNING
    assert not sameness.same_but_for_the_clock(did(put(one)), did(put(other)), shifts, prints=True)
    assert not sameness.same_but_for_the_clock(did(out=str(one)), did(out=str(other)), shifts, prints=True)


def test_equal_sets_may_have_another_order() -> None:
    one, other = (Operation(KIND.QUEUE_PUT, 5, data=b"\x80\x04\x8f" + rest) for rest in _orders())
    assert one != other
    assert sameness.same_but_for_order_in_sets(did(one), did(other), prints=True)
    assert not sameness.same_but_for_order_in_sets(did(put([1, 2])), did(put([2, 1])), prints=True)
    assert not sameness.same_but_for_order_in_sets(did(put(1)), did(put(True)), prints=True)
    assert not sameness.same_but_for_order_in_sets(did(out="1"), did(out="2"), prints=True)


def _orders() -> tuple[bytes, bytes]:
    """Pickles of a set of two, but for their beginning, in both orders."""
    return b"(K\x01K\x02\x90.", b"(K\x02K\x01\x90."


def test_draws_never_change_their_numbers() -> None:
    assert (OF_CHANCE, HIGHEST) == (16, 30)
    assert [*range(OF_CHANCE), *CLOCKS, *HASHES, STEADY, *MOMENTS] == [*range(HIGHEST + 1)]


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (0, "It fails."),
        (3, "With random numbers of another draw (number 4 of 16): It fails."),
        (17, "With the clock 11 years later: It fails."),
        (20, "With another order of what is in its sets: It fails."),
    ],
)
def test_a_finding_says_under_which_draw(draw: int, said: str) -> None:
    finding = told_under(draw, Finding(FindingKind.CRASH, "It fails."))
    assert (finding.message, finding.draw) == (said, draw)


def test_evidence_says_what_else_decides() -> None:
    level = EvidenceLevel.BOUNDED
    entries = [
        Evidence(level, (2,), 20, draws=16, depends=(Dependence.CHANCE,)),
        Evidence(level, (3,), 30, depends=(Dependence.CLOCK,)),
        Evidence(level, (4,), 40),
    ]
    merged = merge(entries)
    assert merged == (
        Evidence(level, (2, 3, 4), 90, draws=16, depends=(Dependence.CHANCE, Dependence.CLOCK)),
    )
    (line,) = words.evidence(merged)
    assert line.startswith("no failure in 90 orders (bounded; it draws random numbers: 16 draws were tried; ")
    assert line.endswith("what it does depends on the time of day) · 2, 3, 4 processes")
