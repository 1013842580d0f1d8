"""Checks of the exercise `consumer`: a producer, consumers that stop at the sentinel, and the pipeline of both."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

from grader.grading import expect, expect_queue, handed_on
from grader.grading.flaws import Flaw, Verdict
from grader.grading.lab import Lab
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.grading.values import THINGS

PRODUCER = "producer"
CONSUMER = "consumer"
RUN = "run_pipeline"
MAIN = 1
FALSY = [0, "", [], False, 0.0, {}]
MIXED = ["7", 2.5, 2.5, (1, "a"), {"k": [1]}, -1, True, "None", b"x"]
BIG = "x" * 40_000
"""Two of these do not fit into a pipe together."""
LARGE = "y" * 100_000
ODD = [math.nan, [None], (None, 1), {"k": None}, [[None, [None]]], {1, 2}, -(2**70), "\N{SNOWMAN}", [0], [0]]
SHAPES = [(1, 2, 3), (), ((),), b"", frozenset(), -1, -2, 2**61 - 1, 0, "None", {"a": None}, [1, 2, 3, 4], ""]
EQUAL = [1, 1.0, True, 1, 0, 0.0, False, "a", "a", "a", [], [], (), (), 7, 7, 7]
TRIED: dict[str, tuple[list[Any], int]] = {
    "NaN, nested None and the like": (ODD, 0),
    "empty ones, tuples and numbers of the same hash": (SHAPES, 0),
    "items that are equal to others": (EQUAL, 0),
    "items of a class with its own __eq__": (THINGS, 0),
    "26 items": (list(range(26)), 0),
    "100 items": (list(range(100)), 0),
    "200 items, and room for 2": (list(range(200)), 2),
    "an item of 100 kB": ([LARGE], 0),
}
"""Items, and the `maxsize` of the queue."""
FEW = 4
EXECUTIONS_FOR_VALUES = 60
"""Few items show every order that matters; longer lists are there for what is in them."""


@pytest.mark.check(points=0.5, function=PRODUCER)
@pytest.mark.parametrize("items", [[3, 1, 2, 1], [], ["only"], [0, 1, 2, 3, 4], FALSY, MIXED])
def test_producer_puts_all(lab: Lab, items: list[Any]) -> None:
    """producer puts every item on the queue, in order, and nothing else"""
    scenario = Scenario()
    queue = scenario.queue("queue")
    scenario.call(PRODUCER, queue, items)
    lab.explore(
        scenario,
        lambda seen: expect_queue.holds(seen, queue, items),
        overshoot=lambda seen: expect_queue.too_many(seen, queue, items),
    )


def _fits(items: list[Any], maxsize: int) -> bool:
    """Whether there is room for all on a queue that nobody takes from."""
    return not maxsize and all(item is not LARGE for item in items)


def _produced(about: str, items: list[Any], maxsize: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=about)
    queue = scenario.queue("queue", maxsize)
    scenario.call(PRODUCER, queue, items)
    if _fits(items, maxsize):
        return scenario, lambda seen: expect_queue.holds(seen, queue, items)
    scenario.partner(expect_queue.taking_partner(queue, len(items)), "consumer")
    return scenario, lambda seen: [
        *expect_queue.partner_took(seen, queue, items),
        *expect_queue.holds(seen, queue, []),
    ]


@pytest.mark.check(points=0.5, function=PRODUCER, after=["test_producer_puts_all"])
def test_producer_puts_anything(lab: Lab) -> None:
    """producer puts items of every kind, however many there are"""
    lab.try_each(_produced(about, *tried) for about, tried in TRIED.items())


@pytest.mark.check(points=1, function=PRODUCER, after=["test_producer_puts_all"])
@pytest.mark.parametrize(("maxsize", "items"), [(1, [1, 2, 3]), (2, [1, 2, 3, 4, 5]), (0, [BIG, BIG, "end"])])
def test_producer_waits_for_room(lab: Lab, maxsize: int, items: list[Any]) -> None:
    """producer waits where there is no room on the queue"""
    scenario = Scenario(2)
    queue = scenario.queue("queue", maxsize)
    scenario.call(PRODUCER, queue, items)
    scenario.partner(expect_queue.taking_partner(queue, len(items)), "consumer")
    lab.explore(
        scenario,
        lambda seen: [
            *expect_queue.partner_took(seen, queue, items),
            *expect_queue.holds(seen, queue, []),
        ],
    )


def _named(lab: Lab, fewest: int) -> list[tuple[str, list[Any], int]]:
    """What to try of the numbers that the program names, from so many items on: in words, the items, `maxsize`."""
    counts = lab.named(fewest, 2_000, most=2)
    numbers = lab.named(-(2**40), 2**40)
    texts = ["z" * length for length in lab.named(100, 2_000_000, most=2)]
    return [
        *((f"{count} items", list(range(count)), 0) for count in counts),
        ("numbers that the program names", [0, *numbers, *texts], 1),
    ]


def _produced_again(times: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=f"{times} calls in a process")
    queue = scenario.queue("queue")
    scenario.call(PRODUCER, queue, [1, 2], times=times)
    return scenario, lambda seen: expect_queue.holds(seen, queue, [1, 2] * times)


@pytest.mark.check(points=0, function=PRODUCER, after=["test_producer_puts_anything"])
def test_producer_puts_elsewhere(lab: Lab) -> None:
    """producer puts other numbers of items as well, and however often it is called"""
    lab.try_each(
        [*(_produced(*tried) for tried in _named(lab, 27)), _produced_again(3)], withdraws=[PRODUCER]
    )


@pytest.mark.check(points=0.5, function=CONSUMER)
@pytest.mark.parametrize("items", [[3, 1, 2, 1, 1], [], [5], [0, 1, 2, 3, 4], FALSY, MIXED, list(range(12))])
def test_consumer_passes_all_on(lab: Lab, items: list[Any]) -> None:
    """consumer puts everything that it takes before the sentinel on results, in order"""
    scenario = Scenario()
    queue, results = scenario.queue("queue", items=[*items, None]), scenario.queue("results")
    scenario.call(CONSUMER, queue, results)
    lab.explore(
        scenario,
        lambda seen: [*expect_queue.holds(seen, results, items), *expect_queue.left_on(seen, queue, [])],
        overshoot=lambda seen: expect_queue.too_many(seen, results, items),
    )


def _consumed(about: str, items: list[Any], maxsize: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=about)
    fits = _fits(items, maxsize)
    queue = scenario.queue("queue", maxsize, items=[*items, None] if fits else ())
    results = scenario.queue("results")
    scenario.call(CONSUMER, queue, results)
    if fits:
        return scenario, lambda seen: [
            *expect_queue.holds(seen, results, items),
            *expect_queue.left_on(seen, queue, []),
        ]
    scenario.partner(expect_queue.putting_partner(queue, [*items, None]), "producer")
    scenario.partner(expect_queue.taking_partner(results, len(items)), "reader")
    return scenario, lambda seen: [
        *expect_queue.partner_took(seen, results, items),
        *expect_queue.holds(seen, results, []),
        *expect_queue.left_on(seen, queue, []),
    ]


@pytest.mark.check(points=0.5, function=CONSUMER, after=["test_consumer_passes_all_on"])
def test_consumer_passes_anything_on(lab: Lab) -> None:
    """consumer passes on items of every kind, however many there are"""
    many = _consumed("1,500 items", list(range(1_500)), 0)
    lab.try_each([*(_consumed(about, *tried) for about, tried in TRIED.items()), many])


@pytest.mark.check(points=1, function=CONSUMER, after=["test_consumer_passes_all_on"])
@pytest.mark.parametrize(("before", "after"), [([1, 2], [3, None]), ([], [None]), ([], [4, 5, None])])
def test_consumer_stops(lab: Lab, before: list[Any], after: list[Any]) -> None:
    """consumer stops at the first sentinel and leaves alone what comes after it"""
    scenario = Scenario()
    queue = scenario.queue("queue", items=[*before, None, *after])
    results = scenario.queue("results")
    scenario.call(CONSUMER, queue, results)
    lab.explore(
        scenario,
        lambda seen: [*expect_queue.left_on(seen, queue, after), *expect_queue.holds(seen, results, before)],
    )


@pytest.mark.check(points=1, function=CONSUMER, after=["test_consumer_passes_all_on"])
@pytest.mark.parametrize(("maxsize", "items"), [(0, [1, 2, 3]), (1, [1, 0])])
def test_consumer_waits(lab: Lab, maxsize: int, items: list[Any]) -> None:
    """consumer waits for items that come late"""
    scenario = Scenario(2)
    queue, results = scenario.queue("queue", maxsize), scenario.queue("results")
    scenario.call(CONSUMER, queue, results)
    scenario.partner(expect_queue.putting_partner(queue, [*items, None]), "producer")
    lab.explore(
        scenario,
        lambda seen: [*expect_queue.holds(seen, results, items), *expect_queue.left_on(seen, queue, [])],
        overshoot=lambda seen: expect_queue.too_many(seen, results, items),
    )


@pytest.mark.check(points=1, function=CONSUMER, after=["test_consumer_stops", "test_consumer_waits"])
@pytest.mark.parametrize(("consumers", "items"), [(2, [1, 2]), (2, [0]), (3, [1])])
def test_consumers_share(lab: Lab, consumers: int, items: list[Any]) -> None:
    """Several consumers share the items, and each takes one sentinel"""
    scenario = Scenario(consumers)
    queue = scenario.queue("queue", items=[*items, *[None] * consumers])
    results = scenario.queue("results")
    scenario.call(CONSUMER, queue, results, count=consumers)
    lab.explore(
        scenario,
        lambda seen: [
            *expect_queue.holds(seen, results, items, in_order=False),
            *expect_queue.left_on(seen, queue, []),
        ],
    )


def _consumed_again(times: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=f"{times} calls in a process")
    queue, results = scenario.queue("queue", items=[1, 2, 3, None] * times), scenario.queue("results")
    scenario.call(CONSUMER, queue, results, times=times)
    return scenario, lambda seen: [
        *expect_queue.holds(seen, results, [1, 2, 3] * times),
        *expect_queue.left_on(seen, queue, []),
    ]


@pytest.mark.check(
    points=0, function=CONSUMER, after=["test_consumer_passes_anything_on", "test_consumers_share"]
)
def test_consumer_passes_on_elsewhere(lab: Lab) -> None:
    """consumer passes on other numbers of items as well, and however often it is called"""
    lab.try_each(
        [*(_consumed(*tried) for tried in _named(lab, 13)), _consumed_again(3)], withdraws=[CONSUMER]
    )


_PARTS_ARE_RIGHT = ["test_producer_puts_all", "test_producer_waits_for_room", "test_consumers_share"]


def _ran(seen: Observed, items: Sequence[Any], consumers: int, maxsize: int) -> list[Flaw]:
    call = expect_queue.pipeline_call(items, consumers, maxsize)
    return [
        *expect.all_together(seen, MAIN, 1 + consumers, call),
        *(expect.each_does_its_share(seen, MAIN, call) if items else []),
        *expect_queue.pipeline_returned(seen, MAIN, list(items), call, in_order=consumers == 1),
        *handed_on.has_received(seen, MAIN, items, call),
        *handed_on.passed_on(seen, MAIN, items, call),
        *expect.nothing_left(seen, MAIN, call),
        *expect.nobody_killed(seen, MAIN, call),
        *expect_queue.has_queue_of(seen, MAIN, maxsize, call),
        *expect_queue.one_sentinel_each(seen, MAIN, consumers, call),
    ]


def _run(lab: Lab, items: Sequence[Any], consumers: int, maxsize: int | None) -> None:
    scenario = Scenario(1 + consumers)
    more = () if maxsize is None else (maxsize,)
    scenario.main(RUN, list(items), consumers, *more)
    most = EXECUTIONS_FOR_VALUES if len(items) > FEW else None
    lab.explore(scenario, lambda seen: _ran(seen, items, consumers, maxsize or 0), most)


@pytest.mark.check(points=1, function=RUN, after=_PARTS_ARE_RIGHT)
@pytest.mark.parametrize("items", [[1, 2, 3], [], [5], FALSY, MIXED, [3, 1, 2, 1, 1, 0, 9]])
def test_pipeline_with_one_consumer(lab: Lab, items: list[Any]) -> None:
    """run_pipeline returns all items in order when there is one consumer"""
    _run(lab, items, 1, None)


def _piped(about: str, items: list[Any], maxsize: int = 0, consumers: int = 1) -> tuple[Scenario, Verdict]:
    scenario = Scenario(1 + consumers, about)
    scenario.main(RUN, items, consumers, maxsize)
    return scenario, lambda seen: _ran(seen, items, consumers, maxsize)


@pytest.mark.check(
    points=0.5,
    function=RUN,
    after=[
        *("test_pipeline_with_one_consumer", "test_producer_puts_anything"),
        "test_consumer_passes_anything_on",
    ],
)
def test_pipeline_passes_anything(lab: Lab) -> None:
    """run_pipeline returns items of every kind, however many there are"""
    lab.try_each(
        [
            *(_piped(about, *tried) for about, tried in TRIED.items()),
            _piped("more consumers than items", [5, 0, 5], consumers=6),
        ]
    )


@pytest.mark.check(points=0.5, function=RUN, after=["test_pipeline_with_one_consumer"])
@pytest.mark.parametrize(("items", "consumers"), [([1, 2], 2), ([], 2), ([7], 3)])
def test_pipeline_with_many_consumers(lab: Lab, items: list[Any], consumers: int) -> None:
    """run_pipeline returns every item exactly once when there are several consumers"""
    _run(lab, items, consumers, None)


@pytest.mark.check(points=1, function=RUN, after=["test_pipeline_with_one_consumer"])
@pytest.mark.parametrize(
    ("items", "consumers", "maxsize"),
    [([1, 2, 3], 1, 1), ([4, 5, 6, 7, 8], 1, 2), ([1, 2], 2, 1), ([BIG] * 6, 1, 0), ([BIG, BIG], 2, 1)],
)
def test_pipeline_with_little_room(lab: Lab, items: list[Any], consumers: int, maxsize: int) -> None:
    """run_pipeline works for more items than the queue, or a pipe, has room for"""
    _run(lab, items, consumers, maxsize)


@pytest.mark.check(points=0.5, function=RUN, after=["test_pipeline_with_one_consumer"])
def test_pipeline_twice(lab: Lab) -> None:
    """run_pipeline begins anew every time that it is called"""
    scenario = Scenario(2)
    scenario.main(RUN, [1, 2], 1, times=2)
    again = "the second run_pipeline([1, 2], 1)"
    lab.sample(
        scenario,
        lambda seen: [
            *expect.started_again(seen, MAIN, 2, again),
            *expect_queue.pipeline_returned(seen, MAIN, [1, 2], again, in_order=True),
        ],
        schedules=3,
    )


@pytest.mark.check(points=0.5, function=RUN, after=["test_pipeline_with_many_consumers"])
@pytest.mark.parametrize(
    ("items", "consumers", "maxsize"), [(list(range(8)), 3, 2), (list(range(20)), 2, 0), (["a", "b"], 4, 0)]
)
def test_pipeline_with_more(lab: Lab, items: list[Any], consumers: int, maxsize: int) -> None:
    """run_pipeline is right for more items and more consumers, too"""
    scenario = Scenario(1 + consumers)
    scenario.main(RUN, items, consumers, maxsize)
    lab.sample(scenario, lambda seen: _ran(seen, items, consumers, maxsize), schedules=5)


def _run_again(times: int) -> tuple[Scenario, Verdict]:
    call = f"call number {times} of run_pipeline([1, 2], 1)"
    scenario = Scenario(2, f"{times} calls of run_pipeline([1, 2], 1)")
    scenario.main(RUN, [1, 2], 1, times=times)
    return scenario, lambda seen: [
        *expect.started_again(seen, MAIN, 2, call, times),
        *expect_queue.pipeline_returned(seen, MAIN, [1, 2], call, in_order=True),
    ]


@pytest.mark.check(points=0, function=RUN, after=["test_pipeline_passes_anything", "test_pipeline_with_more"])
def test_pipeline_elsewhere(lab: Lab) -> None:
    """run_pipeline is right for other numbers of items and consumers, too"""
    counts = lab.named(21, 600, most=2)
    consumers = [lab.drawn(5, 9), *lab.named(4, 17, most=2)]
    lab.try_each(
        [
            *(_piped(f"{count} items", list(range(count))) for count in counts),
            *(_piped(f"{number} consumers", [3, 1, 2], 0, number) for number in consumers),
        ],
        interruptions=2,
        withdraws=[RUN],
    )


@pytest.mark.check(points=0, function=RUN, after=["test_pipeline_twice"])
def test_pipeline_again(lab: Lab) -> None:
    """run_pipeline is right however often it is called"""
    calls = [4, *lab.named(5, 12, most=1)]
    lab.try_each(map(_run_again, calls), interruptions=2, withdraws=[RUN])


@pytest.mark.free
@pytest.mark.check(
    points=0,
    function=RUN,
    after=[
        *("test_producer_waits_for_room", "test_consumers_share"),
        *("test_pipeline_with_many_consumers", "test_pipeline_with_little_room"),
    ],
)
def test_runs_free(lab: Lab) -> None:
    """Everything is right when nobody controls the order, with up to 8 consumers"""
    lab.run_free()
