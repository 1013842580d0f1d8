"""Expectations look at final states and traces; here those of scripted processes."""

from collections.abc import Callable
from typing import Any

import pytest
from scenarios import MAIN, Steps, adding, counter, nothing, observed, putting, read, returning, write

from grader.core.operations import NO_OBJECT, Operation, OperationKind
from grader.core.verdict import FindingKind
from grader.engine.scripted import Asked, Script
from grader.grading import expect, expect_queue, handed_on
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import NOT_RETURNED
from grader.grading.scenario import Scenario, Shared
from grader.grading.values import plain_pickle

KIND = OperationKind


def starting(*bodies: Script, join: bool = True, one_by_one: bool = False, result: Any = None) -> Script:
    """A main process that starts children, joins them (all at the end, or each at once) and returns."""

    def script() -> Steps:
        children = []
        for body in bodies:
            started = yield Asked(Operation(KIND.PROCESS_START, text=""), child=body)
            children.append(Operation(KIND.PROCESS_JOIN, -1 - started.number))
            if one_by_one:
                yield children[-1]
        if join and not one_by_one:
            for operation in children:  # noqa: UP028 - what is sent must not reach the list
                yield operation
        yield from returning(result)

    return script


def test_the_right_value_is_no_flaw() -> None:
    scenario, value, lock = counter()
    seen = observed(scenario, [adding(value, lock), adding(value, lock)])
    assert seen.completed
    assert seen.value(value) == 2
    assert expect.final_value(seen, value, 2) == []
    assert expect.lock_is_free(seen, lock) == []
    assert expect.all_under(seen, value, lock) == []


def test_a_lost_update_names_reader_and_writer() -> None:
    scenario, value, _ = counter()
    seen = observed(scenario, [adding(value), adding(value)], [1, 2, 2, 1])
    (flaw,) = expect.final_value(seen, value, 2)
    assert flaw.kind is Wrong.VALUE
    assert (flaw.expected, flaw.got) == ("2", "1")
    assert flaw.message.endswith("P2 has overwritten what P3 had written.")
    assert [seen.execution.trace[number].operation.kind for number in flaw.conflict] == [
        KIND.MEMORY_READ,
        KIND.MEMORY_WRITE,
        KIND.MEMORY_WRITE,
    ]


def test_a_wrong_sum_has_no_conflict_but_a_line() -> None:
    scenario, value, _ = counter()
    (flaw,) = expect.final_value(observed(scenario, [adding(value, amount=2)]), value, 1)
    assert (flaw.conflict, flaw.line) == ((), 3)


def test_updates_of_different_items_do_not_overwrite_each_other() -> None:
    scenario = Scenario()
    array = scenario.array("i", [0, 0], "array")

    def second() -> Steps:
        yield read(array, 4)
        yield write(array, 7, 4)

    seen = observed(scenario, [adding(array), second], [1, 2, 2, 1])
    assert seen.value(array) == [1, 7]
    assert expect.overwritten(seen, array) == ()


def test_an_access_without_the_lock_is_a_race_with_its_line() -> None:
    scenario, value, lock = counter()
    (flaw,) = expect.all_under(observed(scenario, [adding(value)]), value, lock)
    assert (flaw.kind, flaw.line) == (FindingKind.RACE, 2)


def test_a_lock_that_is_kept_is_a_leak() -> None:
    scenario, _, lock = counter()

    def keeping() -> Steps:
        yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=1)

    (flaw,) = expect.lock_is_free(observed(scenario, [keeping]), lock)
    assert (flaw.kind, flaw.line) == (FindingKind.LEAK, 1)


@pytest.mark.parametrize(
    ("value", "fine"), [(2, True), (2.0, False), (True, False), ("2", False), (None, False)]
)
def test_a_returned_value_is_compared_with_its_type(value: Any, fine: bool) -> None:
    seen = observed(Scenario(), [lambda: returning(value)])
    assert (expect.returned(seen, MAIN, 2, "run(2)") == []) is fine


def test_a_call_that_never_returned_has_no_wrong_result() -> None:
    seen = observed(Scenario(), [nothing])
    assert seen.returned(MAIN) is NOT_RETURNED
    assert expect.returned(seen, MAIN, 2, "run(2)") == []


@pytest.mark.parametrize(("amount", "reads", "fine"), [(2, True, True), (1, True, False), (2, False, False)])
def test_a_total_was_read_and_not_made_up(amount: int, reads: bool, fine: bool) -> None:
    scenario, value, lock = counter()

    def script() -> Steps:
        yield from adding(value, lock, amount)()
        if reads:
            _ = yield read(value)
        yield from returning(2)

    seen = observed(scenario, [script])
    flaws = expect.has_read(seen, 1, 2, "f()")
    assert [flaw.message for flaw in flaws] == (
        [] if fine else ["f() returned 2, but it has never read that from a shared value or array."]
    )
    assert expect.has_read(seen, 1, 3, "f()") == []  # wrong already


def test_a_function_that_should_return_nothing() -> None:
    assert expect.returns_nothing(observed(Scenario(), [lambda: returning(None)]), "function") == []
    (flaw,) = expect.returns_nothing(observed(Scenario(), [lambda: returning(0)]), "function")
    assert flaw.got == "0"


def test_children_that_are_joined_after_all_have_started_are_together() -> None:
    seen = observed(Scenario(), [starting(nothing, nothing, result=2)])
    assert expect.all_together(seen, MAIN, 2, "run(2)") == []
    assert expect.nothing_left(seen, MAIN, "run(2)") == []
    assert expect.exactly(seen, MAIN, 2, "run(2)") == []


def test_children_that_are_joined_one_by_one_are_not() -> None:
    seen = observed(Scenario(), [starting(nothing, nothing, one_by_one=True)])
    (flaw,) = expect.all_together(seen, MAIN, 2, "run(2)")
    assert flaw.kind is FindingKind.NOT_CONCURRENT
    assert "started only after" in flaw.message


def test_too_few_and_too_many_children() -> None:
    seen = observed(Scenario(), [starting(nothing)])
    assert expect.all_together(seen, MAIN, 2, "run(2)")[0].got == "1"
    assert expect.exactly(seen, MAIN, 0, "run(0)")[0].got == "1"


def test_a_child_that_does_nothing_shared_does_no_share() -> None:
    scenario, value, _ = counter()
    seen = observed(scenario, [starting(adding(value), nothing)])
    (flaw,) = expect.each_does_its_share(seen, MAIN, "run(2)")
    assert flaw.kind is FindingKind.NOT_CONCURRENT


def test_a_child_that_still_runs_at_the_return_is_a_leak() -> None:
    scenario, value, _ = counter()
    seen = observed(scenario, [starting(adding(value), join=False)])
    (flaw,) = expect.nothing_left(seen, MAIN, "run(1)")
    assert flaw.kind is FindingKind.LEAK


def flaws_of_items(got: list[Any], expected: list[Any], *, in_order: bool = True) -> list[Flaw]:
    scenario = Scenario()
    queue = scenario.queue("queue")
    return expect_queue.holds(observed(scenario, [putting(queue, *got)]), queue, expected, in_order=in_order)


@pytest.mark.parametrize("items", [[], [1], [0, "", [], None, (1, "a")]])
def test_the_right_items_are_no_flaw(items: list[Any]) -> None:
    assert flaws_of_items(items, items) == []


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ([2, 1], [1, 2], "not in the order"),
        ([1], [1, 2, 3], "2 items are missing"),
        ([1, 2], [1], "1 item is too many"),
        ([1, None], [1], "sentinel None"),
        ([1, "2"], [1, 2], "Item number 2 on queue is '2', but should be 2."),
        ([True], [1], "is True, but should be 1"),
    ],
)
def test_what_is_wrong_with_items_is_named(got: list[Any], expected: list[Any], words: str) -> None:
    assert words in flaws_of_items(got, expected)[0].message


def test_any_order_is_fine_where_order_does_not_matter() -> None:
    assert flaws_of_items([2, 1, 2], [1, 2, 2], in_order=False) == []
    assert flaws_of_items([2, 1, 1], [1, 2, 2], in_order=False)


def taking(queue: Shared, count: int, then: Callable[[], Steps] = nothing) -> Script:
    def script() -> Steps:
        for _ in range(count):
            yield Operation(KIND.QUEUE_GET, queue.object)
        yield from then()

    return script


@pytest.mark.parametrize(("count", "words"), [(2, ""), (1, "1 item is left"), (3, "come after the sentinel")])
def test_what_is_left_on_a_queue(count: int, words: str) -> None:
    scenario = Scenario()
    queue = scenario.queue("queue", items=[1, None, 3])
    flaws = expect_queue.left_on(observed(scenario, [taking(queue, count)]), queue, [3])
    assert [words in flaw.message for flaw in flaws] == ([True] if words else [])


def test_somebody_who_puts_where_only_taking_is_allowed() -> None:
    scenario = Scenario()
    queue = scenario.queue("queue", items=[1])
    (flaw,) = expect_queue.left_on(observed(scenario, [taking(queue, 1, putting(queue, 1))]), queue, [])
    assert "has put something on queue" in flaw.message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2], ""),
        ([2, 1], "another order"),
        ([1], "lost items: 1 item is missing"),
        ([1, 2, 3], "1 item is too many"),
        ([1, 3], "did not return the right items"),
        ((1, 2), "should return a list"),
        (None, "returned nothing"),
    ],
)
def test_what_a_pipeline_returned(value: Any, words: str) -> None:
    seen = observed(Scenario(), [lambda: returning(value)])
    flaws = expect_queue.pipeline_returned(seen, MAIN, [1, 2], "run", in_order=True)
    assert [words in flaw.message for flaw in flaws] == ([True] if words else [])


def test_objects_of_a_scenario_are_numbered_by_the_judge() -> None:
    scenario, value, lock = counter()
    assert value.description["lock"] in scenario.objects
    assert lock.object not in (value.object, NO_OBJECT)
    assert {value.object, lock.object} <= set(scenario.shared)


def test_calls_are_shown_by_their_number_and_described_without_code() -> None:
    scenario, value, _ = counter()
    scenario.call("function", value, [1, "a"], count=2)
    scenario.main("run", 3)
    assert [call.label for call in scenario.calls] == ["P1", "P2", "main"]
    assert scenario.calls[0].arguments == (value.description, {"plain": plain_pickle([1, "a"])})
    assert scenario.tasks() == [1, 2, 3]


@pytest.mark.parametrize(("sent", "missing"), [([[1, (2,)]], ""), ([{"a": 2}, 1], ""), ([1], "2"), ([], "1")])
def test_items_were_received_and_not_kept(sent: list[Any], missing: str) -> None:
    scenario = Scenario()
    queue = scenario.queue("queue", items=sent)
    scenario.call("run_pipeline")

    seen = observed(scenario, [taking(queue, len(sent), lambda: returning([1, 2]))])
    flaws = handed_on.has_received(seen, 1, [1, 2], "f()")
    expected = f"f() returned {missing}, but its process has never got that from another one."
    assert [flaw.message for flaw in flaws] == ([expected] if missing else [])
