"""Who has given up waiting, and what is said about it."""

from collections.abc import Sequence

import msgspec
import pytest

from grader.core.execution import OutcomeKind
from grader.core.operations import Failure, Operation, OperationKind, process_object
from grader.core.verdict import FindingKind
from grader.engine.driver import run
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.replay import Replay
from grader.engine.tasks import TaskTable
from grader.grading.flaws import Flaw, Wrong, general_flaws
from grader.grading.giving_up import duration_words, give_ups
from grader.grading.hints import hint
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared
from grader.grading.values import plain_pickle
from grader.primitives.event import EventState
from tests.scenarios import Steps, adding, nothing, returning

KIND = OperationKind
VALUE = Flaw(Wrong.VALUE, "wrong")


def observed(scenario: Scenario, scripts: Sequence[Script], schedule: Sequence[int]) -> Observed:
    """The scripts as P1, P2, …, in the order of their numbers given, and then as it comes."""
    for _ in scripts:
        scenario.call("function")
    tasks = TaskTable()
    tasks.top(0, "import")
    for place in range(1, len(scripts) + 1):
        tasks.top(place, f"P{place}")
    program = ScriptedProgram(scenario.objects, [nothing, *scripts])
    execution = run(program, Replay([(place + 1,) for place in schedule]), tasks, 1_000)
    assert execution.outcome.kind in (OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK)
    return Observed(scenario, execution)


def trying(lock: Shared, times: int, pause: int = 1_000, *, then: Script = nothing) -> Script:
    """Tries to take a lock, each time for so many milliseconds."""

    def script() -> Steps:
        operation = Operation(KIND.LOCK_ACQUIRE, lock.object, line=10, timed=True)
        for number in range(times):
            got = yield Asked(operation, clock=7 + number * pause)
            if got.ok:
                yield Operation(KIND.LOCK_RELEASE, lock.object, line=13)
                return
        yield Asked(Operation(KIND.SLEEP, line=14), clock=7 + times * pause)
        yield from then()

    return script


def advice(seen: Observed, kind: FindingKind = FindingKind.RACE, flaw: Flaw = VALUE) -> str:
    return hint(kind, flaw, seen, Names("", seen.scenario.shared, seen.execution, {}), "")


def left_out(times: int, pause: int = 1_000) -> Observed:
    """P1 counts, and P2 tries in vain meanwhile."""
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    return observed(scenario, [adding(counter, lock), trying(lock, times, pause)], [1, *[2] * (times + 2)])


def test_a_lost_increment() -> None:
    assert advice(left_out(50)) == (
        "P2 gives up waiting for lock after 50 failed tries in line 10 (50 s in all), and its increment is lost. "
        "P1 can be kept from running for longer. Try until it works, or wait without a limit."
    )


def test_a_single_try_that_takes_no_time() -> None:
    assert advice(left_out(1, 0)).startswith(
        "P2 gives up waiting for lock after a failed try in line 10, and its increment is lost."
    )


def test_what_is_added_may_be_something_else() -> None:
    scenario = Scenario()
    account, lock = scenario.value("i", 0, "account"), scenario.lock()
    seen = observed(scenario, [adding(account, lock, 5), trying(lock, 2)], [1, 2, 2, 2, 2])
    assert "and its update is lost" in advice(seen)


def test_who_gets_it_in_the_end_has_not_given_up() -> None:
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    seen = observed(scenario, [adding(counter, lock), trying(lock, 5)], [1, 2, 2, 1, 1, 1, 2])
    assert any(step.result is not None and not step.result.ok for step in seen.execution.trace)
    assert give_ups(seen) == ()


def test_who_still_waits_has_not_given_up() -> None:
    scenario = Scenario()
    lock = scenario.lock()

    def keeps() -> Steps:
        yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=1)

    def waits() -> Steps:
        yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=5, block=False)
        yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=6)

    seen = observed(scenario, [keeps, waits], [1, 2])
    assert seen.execution.outcome.kind is OutcomeKind.DEADLOCK
    assert give_ups(seen) == ()


def test_the_time_is_that_of_the_process_itself() -> None:
    (given_up,) = give_ups(left_out(3, 2_000))
    assert (len(given_up.tries), given_up.milliseconds, given_up.lines) == (3, 6_000, (10,))


def test_going_on_without_the_lock() -> None:
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scripts = [adding(counter, lock), trying(lock, 1, 5_000, then=adding(counter))]
    assert advice(observed(scenario, scripts, [1, 2, 2, 2])) == (
        "P2 gives up waiting for lock after a failed try in line 10 (5 s), and goes on without it. P1 can be kept from "
        "running for longer. Look at what acquire() returns, and try until it works; or wait without a limit: "
        "`with lock:`."
    )


def test_an_exception_after_giving_up() -> None:
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    failure = Failure("TimeoutError", "no lock", 15)

    def dies() -> Steps:
        yield Operation(KIND.PROCESS_EXIT, number=1, failure=failure)

    def counts() -> Steps:
        yield from adding(counter, lock)()
        yield from returning(None)

    seen = observed(scenario, [counts, trying(lock, 100, 10, then=dies)], [1, *[2] * 102])
    (flaw,) = general_flaws(seen, Names("", scenario.shared, seen.execution, {}))
    assert flaw.message == "P2 died in line 15 of TimeoutError: no lock."
    assert advice(seen, FindingKind.CRASH, flaw) == (
        "P2 gives up waiting for lock after 100 failed tries in line 10 (1 s in all), and dies of TimeoutError. "
        "P1 can be kept from running for longer. Try until it works, or wait without a limit."
    )


def test_an_exception_that_has_nothing_to_do_with_it() -> None:
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    failure = Failure("ZeroDivisionError", "division by zero", 15)

    def works_and_dies() -> Steps:
        yield from adding(counter)()
        yield Operation(KIND.PROCESS_EXIT, number=1, failure=failure)

    seen = observed(scenario, [adding(counter, lock), trying(lock, 2, then=works_and_dies)], [1, 2, 2, 2])
    (flaw,) = general_flaws(seen, Names("", scenario.shared, seen.execution, {}))
    assert "dies of" not in advice(seen, FindingKind.CRASH, flaw)


def queue_of(kind: OperationKind, times: int) -> Observed:
    scenario = Scenario()
    full = kind is KIND.QUEUE_PUT
    queue = scenario.queue(maxsize=1, items=["old"] if full else [])
    data = plain_pickle("new") if full else b""

    def tries() -> Steps:
        for number in range(times + 1):
            tried = Operation(kind, queue.object, line=4, timed=True, data=data)
            yield Asked(tried if number < times else Operation(KIND.SLEEP), clock=1 + 2_000 * number)

    def answers() -> Steps:
        answer = Operation(KIND.QUEUE_GET, queue.object, line=8)
        if not full:
            answer = Operation(KIND.QUEUE_PUT, queue.object, line=8, data=plain_pickle("new"))
        yield answer

    return observed(scenario, [tries, answers], [1] * (times + 1))


def test_items_that_come_too_late() -> None:
    assert advice(queue_of(KIND.QUEUE_GET, 7)) == (
        "P1 gives up waiting for an item on queue after 7 failed tries in line 4 (14 s in all), and takes nothing that "
        "comes later. P2 can be kept from running for longer. Use get() without a timeout: it waits for the next item."
    )


def test_an_item_for_which_there_is_no_room() -> None:
    assert advice(queue_of(KIND.QUEUE_PUT, 1)) == (
        "P1 gives up waiting for room on queue after a failed try in line 4 (2 s), and the item is lost. "
        "P2 can be kept from running for longer. Use put() without a timeout: it waits for room."
    )


def test_an_item_that_is_dropped_though_another_one_finds_room_later() -> None:
    scenario = Scenario()
    queue = scenario.queue(maxsize=1, items=["old"])

    def puts(item: str) -> Operation:
        return Operation(KIND.QUEUE_PUT, queue.object, line=4, block=False, data=plain_pickle(item))

    def drops() -> Steps:
        yield puts("one")
        yield puts("two")

    def takes() -> Steps:
        yield Operation(KIND.QUEUE_GET, queue.object, line=8)

    seen = observed(scenario, [drops, takes], [1, 2, 1])
    assert [step.result is not None and step.result.ok for _, step in seen.steps(shared=queue.object)][
        :3
    ] == [
        False,
        True,
        True,
    ]
    (given_up,) = give_ups(seen)
    assert given_up.operation == puts("one")


def test_an_event_that_is_set_too_late() -> None:
    scenario = Scenario()
    scenario.objects[50] = EventState()

    def waits() -> Steps:
        yield Operation(KIND.EVENT_WAIT, 50, line=5, timed=True)

    def sets() -> Steps:
        yield Operation(KIND.EVENT_SET, 50, line=9)

    assert advice(observed(scenario, [waits, sets], [1])) == (
        "P1 gives up waiting for a shared object after a failed try in line 5, and goes on all the same. "
        "P2 can be kept from running for longer. Try until it works, or wait without a limit."
    )


def test_a_join_that_comes_back_too_early() -> None:
    scenario = Scenario()

    def child() -> Steps:
        yield Operation(KIND.SLEEP, line=2)

    def parent() -> Steps:
        started = yield Asked(Operation(KIND.PROCESS_START, 0, line=18), child=child)
        target = process_object(started.number)
        yield Operation(KIND.PROCESS_JOIN, target, line=20, timed=True)
        yield Operation(KIND.PROCESS_RETURN, line=21)
        yield Operation(KIND.PROCESS_JOIN, target)  # as Python does at the end of a process

    seen = observed(scenario, [parent], [1, 1, 1])
    assert advice(seen, FindingKind.LEAK, Flaw(FindingKind.LEAK, "leak")) == (
        "P1 gives up waiting for P1.1 to end after a failed try in line 20, and goes on while it still runs. "
        "P1.1 can be kept from running for longer. Leave the timeout out: join() waits until it has ended."
    )


def test_a_line_that_is_unknown_is_not_named() -> None:
    seen = left_out(2)
    trace = tuple(
        msgspec.structs.replace(step, operation=msgspec.structs.replace(step.operation, line=0))
        for step in seen.execution.trace
    )
    nowhere = Observed(seen.scenario, msgspec.structs.replace(seen.execution, trace=trace))
    assert advice(nowhere).startswith("P2 gives up waiting for lock after 2 failed tries (2 s in all), and")


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (300, "0.3 s"),
        (2_000, "2 s"),
        (3_100, "3.1 s"),
        (50_000, "50 s"),
        (600_000, "10 minutes"),
        (3_600_001, "1 hour"),
        (5_400_000, "1.5 hours"),
        (7_200_000, "2 hours"),
        (86_400_000 * 3, "3 days"),
        (2**53, "hundreds of years"),
    ],
)
def test_times_in_words(milliseconds: int, words: str) -> None:
    assert duration_words(milliseconds) == words
