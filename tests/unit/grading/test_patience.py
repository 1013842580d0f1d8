"""Giving up after a time beyond all reason does not count, if going on waiting would have helped."""

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

from grader.core.execution import Budget, Execution
from grader.core.operations import Failure, Operation, OperationKind
from grader.core.verdict import FindingKind
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.waits import BoundedWaits
from grader.grading import tokens
from grader.grading.examination import Examination
from grader.grading.findings import FindingMaker
from grader.grading.flaws import Flaw, Wrong
from grader.grading.giving_up import give_ups
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.patience import ALWAYS_GIVES_UP, PATIENCE, Leniency, Patience
from grader.grading.scenario import Scenario, Shared
from grader.grading.tally import Tally
from grader.primitives.event import EventState
from tests.scenarios import Steps, adding, nothing

KIND = OperationKind
HOUR = 3_600_000
BELL = 50


class Program(ScriptedProgram):
    """A scripted program with new processes each time."""

    has_reused = remembers = False

    def close(self) -> None:
        """Nothing is kept."""


def explored(
    scenario: Scenario,
    scripts: Sequence[Script],
    counter: Shared,
    patience: Patience | None = PATIENCE,
    expected: int = 2,
) -> Examination:
    """The scripts as the scenario's calls, of which nothing but the counter is looked at."""
    for _ in scripts:
        scenario.call("function")

    def verdict(seen: Observed) -> Sequence[Flaw]:
        value = seen.value(counter)
        return [] if value == expected else [Flaw(Wrong.VALUE, f"it is {value}")]

    def names(execution: Execution) -> Names:
        return Names("", scenario.shared, execution, {})

    maker = cast(FindingMaker, SimpleNamespace(names=names, schedule=tokens.paths_of, traced=nullcontext))
    examination = Examination(
        lambda fresh: cast(Any, Program(scenario.objects, [nothing, *scripts])),
        scenario,
        verdict,
        maker,
        Budget(200, 20, 1_000),
        lambda _: None,
        patience=patience,
    )
    examination.run(lambda: [BoundedWaits(200)])
    return examination


def returns() -> Steps:
    yield Operation(KIND.PROCESS_RETURN, line=30)


def counting(counter: Shared, lock: Shared) -> Script:
    def script() -> Steps:
        yield from adding(counter, lock)()
        yield from returns()

    return script


def trying(counter: Shared, lock: Shared, milliseconds: int, times: int = 1, *, dies: bool = False) -> Script:
    """Tries to take the lock and to count; all tries together take so long."""

    def script() -> Steps:
        for number in range(times):
            tried = Operation(KIND.LOCK_ACQUIRE, lock.object, line=10, timed=True)
            got = yield Asked(tried, clock=1 + number * milliseconds // times)
            if got.ok:
                yield from adding(counter)()
                yield Operation(KIND.LOCK_RELEASE, lock.object, line=13)
                yield from returns()
                return
        yield Asked(Operation(KIND.SLEEP), clock=1 + milliseconds)
        if dies:
            yield Operation(KIND.PROCESS_EXIT, number=1, failure=Failure("TimeoutError", "no lock", 15))
        yield from returns()

    return script


def two(
    milliseconds: int, times: int = 1, patience: Patience | None = PATIENCE, *, dies: bool = False
) -> Examination:
    scenario = Scenario(2)
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scripts = [counting(counter, lock), trying(counter, lock, milliseconds, times, dies=dies)]
    return explored(scenario, scripts, counter, patience)


def test_an_hour_is_long_enough() -> None:
    examination = two(HOUR)
    assert not examination.tally.first
    assert examination.tally.forgiven
    assert examination.tally.judged > 0
    label = examination.remark().partition(" ")[0]
    assert examination.remark() == (
        f"{label} would give up waiting for lock in line 10 after 1 hour, which costs nothing."
    )


def test_so_it_is_if_the_process_dies_of_it() -> None:
    assert not two(HOUR, dies=True).tally.first


def test_five_seconds_are_not() -> None:
    assert Wrong.VALUE in two(5_000).tally.first
    assert FindingKind.CRASH in two(5_000, dies=True).tally.first
    assert two(5_000).remark() == ""


def test_ten_minutes_are_the_limit() -> None:
    assert Wrong.VALUE in two(600_000).tally.first
    assert not two(600_001).tally.first


def test_the_time_of_all_tries_counts() -> None:
    assert not two(HOUR, 3).tally.first


def test_many_tries_are_enough_however_short() -> None:
    patience = Patience(tries=4)
    examination = two(0, 5, patience)
    assert not examination.tally.first
    assert examination.remark().endswith("in line 10 after more than 4 failed tries, which costs nothing.")
    assert Wrong.VALUE in two(0, 4, patience).tally.first


def test_an_instructor_may_ask_for_more_or_for_less() -> None:
    assert Wrong.VALUE in two(HOUR, 1, Patience(seconds=5_000)).tally.first
    assert not two(5_000, 1, Patience(seconds=4)).tally.first


def test_without_patience_all_counts() -> None:
    assert Wrong.VALUE in two(HOUR, 1, None).tally.first


def test_waiting_for_what_never_comes_excuses_nothing() -> None:
    """Two that wait for a lock of their own for an hour, and then count without any."""
    scenario = Scenario(2)
    counter = scenario.value("i", 0, "counter")
    decoys = [scenario.lock(f"decoy {number}") for number in range(2)]

    def pretending(decoy: Shared) -> Script:
        def script() -> Steps:
            yield Asked(Operation(KIND.LOCK_ACQUIRE, decoy.object, line=3), clock=1)
            yield Operation(KIND.LOCK_ACQUIRE, decoy.object, line=4, timed=True)
            yield Asked(Operation(KIND.SLEEP), clock=1 + HOUR)
            yield from adding(counter)()
            yield from returns()

        return script

    examination = explored(scenario, [pretending(decoy) for decoy in decoys], counter)
    assert Wrong.VALUE in examination.tally.first
    assert not examination.tally.forgiven
    assert examination.remark() == ""


def test_who_waits_for_somebody_who_waits_for_the_give_up_is_not_excused() -> None:
    """The lock comes back, but only when the other one has been told of the give-up."""
    scenario = Scenario(2)
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scenario.objects[BELL] = EventState()

    def keeps() -> Steps:
        yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=1)
        yield Operation(KIND.EVENT_WAIT, BELL, line=3)
        yield from adding(counter)()
        yield Operation(KIND.LOCK_RELEASE, lock.object, line=6)
        yield from returns()

    def gives_up() -> Steps:
        got = yield Asked(Operation(KIND.LOCK_ACQUIRE, lock.object, line=21, timed=True), clock=1)
        if not got.ok:
            yield Asked(Operation(KIND.EVENT_SET, BELL, line=22), clock=1 + HOUR)
        yield from adding(counter)()
        if got.ok:
            yield Operation(KIND.LOCK_RELEASE, lock.object, line=24)
            yield Operation(KIND.EVENT_SET, BELL, line=25)
        yield from returns()

    tally = explored(scenario, [keeps, gives_up], counter).tally
    assert Wrong.VALUE in tally.first
    assert not tally.forgiven


def test_what_follows_from_an_excused_give_up_is_excused_as_well() -> None:
    """P2 dies with the second lock in its hands after an hour, so P3 waits for that one in vain, and dies as well."""
    scenario = Scenario(3)
    counter, lock, second = scenario.value("i", 0, "counter"), scenario.lock(), scenario.lock("second")

    def needs(lock: Shared, line: int) -> Steps:
        got = yield Asked(Operation(KIND.LOCK_ACQUIRE, lock.object, line=line, timed=True), clock=1)
        if not got.ok:
            failure = Failure("TimeoutError", "", line)
            yield Asked(Operation(KIND.PROCESS_EXIT, number=1, failure=failure), clock=1 + HOUR)

    def keeps_the_second() -> Steps:
        yield Operation(KIND.LOCK_ACQUIRE, second.object, line=8)
        yield from needs(lock, 10)
        yield from adding(counter)()
        yield Operation(KIND.LOCK_RELEASE, lock.object, line=13)
        yield Operation(KIND.LOCK_RELEASE, second.object, line=14)
        yield from returns()

    def waits_for_the_second() -> Steps:
        yield from needs(second, 20)
        yield Operation(KIND.LOCK_RELEASE, second.object, line=22)
        yield from returns()

    examination = explored(
        scenario, [counting(counter, lock), keeps_the_second, waits_for_the_second], counter
    )
    assert not examination.tally.first
    assert any(
        {given_up.line for given_up in give_ups(Observed(scenario, one.execution))} == {10, 20}
        for one in examination.tally.forgiven
    ), "the case has come up"


def test_if_nothing_is_left_to_be_judged_nothing_is_known() -> None:
    scenario = Scenario(2)
    one = two(HOUR).tally.forgiven[0]
    tally = Tally(forgiven=[one])
    Leniency(PATIENCE).look_again(tally, scenario, lambda waits: setattr(waits, "in_vain", False))
    assert tally.blocked is not None
    assert tally.blocked.kind is FindingKind.INCONCLUSIVE
    assert tally.blocked.message == ALWAYS_GIVES_UP
