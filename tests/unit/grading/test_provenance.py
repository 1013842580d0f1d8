"""A right number, or the right items, must be the work of the processes that were started."""

from collections.abc import Callable
from typing import Any

import pytest
from scenarios import MAIN, Steps, adding, counter, nothing, observed, putting, read, returning, write

from grader.core.operations import Operation, OperationKind
from grader.core.verdict import FindingKind
from grader.engine.scripted import Asked, Script
from grader.grading import expect, handed_on
from grader.grading.flaws import general_flaws
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared
from grader.grading.values import plain_pickle

KIND = OperationKind


def run(
    value: Shared, *bodies: Script, result: Any, before: Script = nothing, after: Script = nothing
) -> Script:
    """A main process that starts these, joins them, reads the value and returns `result`."""

    def script() -> Steps:
        yield from before()
        joins = []
        for body in bodies:
            started = yield Asked(Operation(KIND.PROCESS_START), child=body)
            joins.append(Operation(KIND.PROCESS_JOIN, -1 - started.number))
        for join in joins:  # noqa: UP028 - what is sent must not reach the list
            yield join
        yield from after()
        _ = yield read(value)
        yield from returning(result)

    return script


def writing(value: Shared, number: int) -> Script:
    def script() -> Steps:
        yield write(value, number)

    return script


CASES: dict[str, tuple[Callable[[Shared, Shared], Script], str]] = {
    "each adds one": (lambda v, o: run(v, adding(v), adding(v), result=2), ""),
    "one adds in two parts": (lambda v, o: run(v, twice(v, 3, -2), adding(v), result=2), ""),
    "set to zero first": (
        lambda v, o: run(v, adding(v), adding(v), result=2, before=writing(v, 0)),
        "",
    ),
    "one adds all": (lambda v, o: run(v, adding(v, amount=2), adding(o), result=2), "adds 2 to the number"),
    "each writes the total": (
        lambda v, o: run(v, writing(v, 2), writing(v, 2), result=2),
        "and not 1",
    ),
    "main makes it up": (
        lambda v, o: run(v, adding(o), adding(o), result=2, after=writing(v, 2)),
        "has changed the number itself",
    ),
    "main begins with it": (
        lambda v, o: run(v, adding(o), adding(o), result=2, before=writing(v, 2)),
        "adds 0 to the number",
    ),
}


def twice(value: Shared, *amounts: int) -> Script:
    def script() -> Steps:
        for amount in amounts:
            yield from adding(value, amount=amount)()

    return script


@pytest.mark.parametrize("case", CASES)
def test_each_process_adds_one_to_what_is_returned(case: str) -> None:
    make, words = CASES[case]
    scenario, value, _ = counter()
    other = scenario.value("i", 0, "other")
    seen = observed(scenario, [make(value, other)])
    assert expect.returned(seen, MAIN, 2, "run(2)") == []
    flaws = expect.has_read(seen, MAIN, 2, "run(2)")
    assert [words in flaw.message for flaw in flaws] == ([True] if words else [])


def test_who_only_says_that_it_works_for_a_pool_has_to_do_its_share() -> None:
    scenario, value, _ = counter()

    def script() -> Steps:
        for body in (adding(value), nothing):
            yield Asked(Operation(KIND.PROCESS_START, offset=1), child=body)
        yield from returning(1)

    seen = observed(scenario, [script])
    assert [seen.process(child).worker for child in seen.process(MAIN).children] == [True, True]
    (flaw,) = expect.each_does_its_share(seen, MAIN, "run(2)")
    assert flaw.kind is FindingKind.NOT_CONCURRENT


def passing(source: Shared, target: Shared, count: int) -> Script:
    def script() -> Steps:
        for _ in range(count):
            result = yield Operation(KIND.QUEUE_GET, source.object)
            yield Operation(KIND.QUEUE_PUT, target.object, data=result.data)

    return script


def pipeline(make: Callable[[Shared, Shared], list[Script]], items: list[Any]) -> Observed:
    scenario = Scenario()
    queue, results = scenario.queue("queue"), scenario.queue("results")

    def script() -> Steps:
        for body in make(queue, results):
            yield Asked(Operation(KIND.PROCESS_START), child=body)
        yield from returning(items)

    return observed(scenario, [script])


@pytest.mark.parametrize("items", [[1, 2], ["a", [3]], []])
def test_items_go_through_the_processes(items: list[Any]) -> None:
    seen = pipeline(lambda q, r: [putting(q, *items), passing(q, r, len(items))], items)
    assert handed_on.passed_on(seen, MAIN, items, "run") == []


@pytest.mark.parametrize(
    "make",
    [
        lambda q, r: [putting(q, 1, 2), nothing],
        lambda q, r: [putting(r, 1, 2), putting(q, 7)],
        lambda q, r: [putting(q, 1, 7), passing(q, r, 2)],
        lambda q, r: [putting(q, 1, 2), passing(q, q, 2)],
        lambda q, r: [lambda: both(q, r)],
    ],
    ids=["nobody takes", "nobody passes on", "something else", "put back", "by one process"],
)
def test_items_that_did_not_go_through_them_were_made_up(
    make: Callable[[Shared, Shared], list[Script]],
) -> None:
    (flaw,) = handed_on.passed_on(pipeline(make, [1, 2]), MAIN, [1, 2], "run")
    assert "no consumer has got that" in flaw.message


def both(queue: Shared, results: Shared) -> Steps:
    for item in (1, 2):
        yield Operation(KIND.QUEUE_PUT, queue.object, data=plain_pickle(item))
        yield Operation(KIND.QUEUE_GET, queue.object)
        yield Operation(KIND.QUEUE_PUT, results.object, data=plain_pickle(item))


def test_a_call_that_kills_another_one_and_does_its_work() -> None:
    scenario, value, _ = counter()

    def killing() -> Steps:
        yield Operation(KIND.PROCESS_KILL, -1 - 2, number=9, line=5)
        yield from adding(value, amount=2)()
        yield from returning(None)

    seen = observed(scenario, [killing, adding(value)], [1])
    assert seen.completed
    assert seen.value(value) == 2
    (flaw,) = general_flaws(seen, Names("", {}, seen.execution, {}))
    assert (flaw.kind, flaw.line) == (FindingKind.CRASH, 5)
    assert "which it did not start" in flaw.message
