"""What is said of an order that goes round for ever: who, where, why nothing changes; and how it is shown."""

from collections.abc import Iterator

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import NO_OBJECT, Operation, OperationKind, process_object
from grader.core.verdict import FindingKind
from grader.engine.explorer import explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.dpor import Dpor
from grader.engine.tasks import TaskTable
from grader.grading import cycles
from grader.grading.flaws import Flaw, general_flaws
from grader.grading.hints import hint
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared
from grader.grading.witness import witness
from tests.exploring import PLENTY, run_all
from tests.scenarios import Steps, read, write

KIND = OperationKind


def at(line: int, operation: Operation) -> Operation:
    return msgspec.structs.replace(operation, line=line)


def take(lock: Shared, line: int, *, block: bool = True) -> Operation:
    return Operation(KIND.LOCK_ACQUIRE, lock.object, line=line, block=block)


def give(lock: Shared, line: int) -> Operation:
    return Operation(KIND.LOCK_RELEASE, lock.object, line=line)


def nap(line: int) -> Operation:
    return Operation(KIND.SLEEP, number=10, line=line)


def for_ever(*operations: Operation) -> Script:
    def script() -> Steps:
        while True:
            for operation in operations:  # noqa: UP028 (a tuple cannot be sent results)
                yield operation

    return script


def endless(scenario: Scenario, scripts: list[Script]) -> Observed:
    """The first order that goes on for ever."""
    executions: list[Execution] = []

    def watch(execution: Execution) -> bool:
        executions.append(execution)
        return execution.outcome.kind is not OutcomeKind.LIVELOCK

    explore(ScriptedProgram(scenario.objects, scripts), Dpor(), PLENTY, watch, TaskTable())
    return Observed(scenario, executions[-1])


def names_of(seen: Observed) -> Names:
    return Names("", seen.scenario.shared, seen.execution, {})


def hang(seen: Observed) -> Flaw:
    assert seen.execution.outcome.kind is OutcomeKind.LIVELOCK
    (flaw,) = general_flaws(seen, names_of(seen))
    assert flaw.kind is FindingKind.HANG
    return flaw


def help_for(seen: Observed) -> str:
    return hint(FindingKind.HANG, hang(seen), seen, names_of(seen), "")


def two_locks() -> tuple[Scenario, Shared, Shared]:
    scenario = Scenario()
    return scenario, scenario.lock("left"), scenario.lock("right")


def taking_both(first: Shared, second: Shared) -> Script:
    def script() -> Steps:
        while True:
            yield take(first, 9)
            got = yield take(second, 10, block=False)
            yield give(first, 12)
            if got.ok:
                yield give(second, 12)
                return

    return script


def opposite() -> Observed:
    scenario, left, right = two_locks()
    return endless(scenario, [taking_both(left, right), taking_both(right, left)])


def test_a_flag_that_nobody_sets() -> None:
    scenario = Scenario()
    flag = scenario.value("i", 0, "flag")
    seen = endless(scenario, [for_ever(at(7, read(flag)), nap(8))])
    assert hang(seen).message == (
        "P1 looks at flag (which is 0) again and again in line 7; nobody is left to change it."
    )
    assert hang(seen).line == 7


def test_the_lock_around_a_look_is_not_what_is_looked_at() -> None:
    scenario = Scenario()
    counter, lock = scenario.value("i", 3, "counter"), scenario.lock()
    seen = endless(scenario, [for_ever(take(lock, 4), at(5, read(counter)), give(lock, 4))])
    assert hang(seen).message.startswith("P1 looks at counter (which is 3) again and again in line 5;")


def test_a_line_that_is_unknown_is_left_out() -> None:
    scenario = Scenario()
    flag = scenario.value("i", 0, "flag")
    seen = endless(scenario, [for_ever(at(0, read(flag)))])
    assert hang(seen).message == "P1 looks at flag (which is 0) again and again; nobody is left to change it."
    assert hang(seen).line == 0


def test_a_lock_that_is_not_given_back() -> None:
    scenario = Scenario()
    lock = scenario.lock()

    def keeps() -> Steps:
        yield take(lock, 3)

    seen = endless(scenario, [keeps, for_ever(take(lock, 6, block=False))])
    assert hang(seen).message == (
        "P2 tries to take lock again and again in line 6, which P1 has taken and ended without giving back."
    )


def test_a_queue_on_which_nobody_puts_anything() -> None:
    scenario = Scenario()
    queue = scenario.queue()
    get = Operation(KIND.QUEUE_GET, queue.object, line=5, block=False)
    seen = endless(scenario, [for_ever(get)])
    assert hang(seen).message == (
        "P1 tries to get an item from queue again and again in line 5; it is empty, and nobody is left to put one on "
        "it."
    )


def test_who_only_looks_whether_others_have_ended_is_not_the_cause() -> None:
    scenario = Scenario()
    flag = scenario.value("i", 0, "flag")
    asks = Operation(KIND.PROCESS_POLL, process_object(1), line=20)
    seen = endless(scenario, [for_ever(asks), for_ever(at(7, read(flag)))])
    assert hang(seen).message.startswith("P2 looks at flag (which is 0) again and again in line 7;")


def test_who_asks_whether_others_have_ended_that_wait_for_each_other() -> None:
    scenario, left, right = two_locks()

    def asks() -> Steps:
        while not (yield Operation(KIND.PROCESS_POLL, process_object(1), line=20)).ok:
            pass

    def crossing(first: Shared, second: Shared) -> Script:
        def script() -> Steps:
            yield take(first, 3)
            yield take(second, 4)
            yield give(second, 5)
            yield give(first, 5)

        return script

    scripts = [asks, crossing(left, right), crossing(right, left)]
    seen = endless(scenario, scripts)
    assert hang(seen).message == (
        "P1 asks again and again in line 20 whether P2 has ended. Meanwhile P2 waits for right (line 4), which P3 has "
        "taken; P3 waits for left (line 4), which P2 has taken."
    )


def test_two_that_give_back_what_the_other_one_needs() -> None:
    seen = opposite()
    assert hang(seen).message == (
        "P1 and P2 go round and round in lines 9–12: each takes one lock, finds the other one taken and gives back. "  # noqa: RUF001
        "In this order nothing ever changes."
    )
    assert hang(seen).line in (9, 10, 12)
    assert help_for(seen) == "Take the locks in the same order everywhere."


def test_the_help_about_the_order_of_locks_is_given_only_if_it_differs() -> None:
    seen = opposite()
    cycle = cycles.cycle_of(seen.execution)
    assert cycle is not None
    steps = tuple(
        msgspec.structs.replace(step, operation=msgspec.structs.replace(step.operation, object=1))
        for step in cycle.steps
    )
    trace = (*seen.execution.trace[: -len(steps)], *steps)
    same = Observed(seen.scenario, msgspec.structs.replace(seen.execution, trace=trace))
    assert hint(FindingKind.HANG, hang(seen), same, names_of(seen), "") == ""


def test_three_that_give_back() -> None:
    scenario = Scenario()
    one, two, three = (scenario.lock(name) for name in ("one", "two", "three"))
    scripts = [taking_both(one, two), taking_both(two, three), taking_both(three, one)]
    seen = endless(scenario, scripts)
    assert hang(seen).message.startswith(
        "P1, P2 and P3 go round and round in lines 9–12: each takes one lock, finds another one taken and gives back."  # noqa: RUF001
    )


def after_you() -> Observed:
    scenario = Scenario()
    want = scenario.array("i", [0, 0], "want")

    def polite(me: int) -> Script:
        def script() -> Steps:
            while True:
                yield at(11, write(want, 1, 4 * me))
                other = yield at(12, read(want, 4 * (1 - me)))
                if not any(other.data):
                    yield at(16, write(want, 0, 4 * me))
                    return
                yield at(14, write(want, 0, 4 * me))

        return script

    return endless(scenario, [polite(0), polite(1)])


def test_two_that_step_back_for_each_other() -> None:
    seen = after_you()
    assert hang(seen).message == (
        "P1 and P2 go round and round in lines 11–14: each looks at what the other one has written, and writes "  # noqa: RUF001
        "something else itself. In this order nothing ever changes."
    )
    assert help_for(seen).endswith("Let a lock decide who goes first.")


def test_two_that_look_at_different_things() -> None:
    scenario = Scenario()
    flag, bell = scenario.value("i", 0, "flag"), scenario.value("i", 5, "bell")
    seen = endless(scenario, [for_ever(at(7, read(flag))), for_ever(at(9, read(bell)))])
    assert hang(seen).message == (
        "P1 and P2 go round and round in lines 7–9: P1 looks at flag (which is 0) and P2 looks at bell (which is 5). "  # noqa: RUF001
        "In this order nothing ever changes."
    )
    assert help_for(seen) == ""


def test_no_message_names_a_number_of_steps() -> None:
    for seen in (opposite(), after_you()):
        assert "step" not in hang(seen).message
        assert str(seen.execution.outcome.cycle) not in hang(seen).message


def rows(seen: Observed) -> Iterator[tuple[bool, str, int]]:
    for row in witness(seen, names_of(seen), (), hang(seen)).steps:
        if row.executed:
            yield row.repeats, row.task, row.line


def test_the_cycle_is_shown_once_and_as_early_as_it_begins() -> None:
    shown = list(rows(opposite()))
    repeats = [row for row in shown if row[0]]
    first = shown.index(repeats[0])
    assert shown[first:] == repeats, "what comes again and again stands at the end"
    assert sorted((task, line) for _, task, line in repeats) == sorted(
        (task, line) for task in ("P1", "P2") for line in (9, 10, 12)
    ), "one round of each"
    assert not any(row[1:] == repeats[-1][1:] and row is not repeats[-1] for row in shown[first:-1])
    assert shown[first - 1][1:] != repeats[-1][1:], "nothing before it belongs to it"


def test_nobody_in_the_cycle_is_said_to_wait() -> None:
    seen = opposite()
    assert all(row.executed for row in witness(seen, names_of(seen), (), hang(seen)).steps)


def test_an_order_that_ends_has_no_cycle() -> None:
    scenario = Scenario()
    flag = scenario.value("i", 0, "flag")

    def once() -> Steps:
        yield read(flag)

    seen = Observed(scenario, run_all(scenario.objects, [once]).executions[0])
    assert cycles.cycle_of(seen.execution) is None
    assert cycles.bounds_of(seen.execution) == (len(seen.execution.trace),) * 2
    assert not any(repeats for repeats, _, _ in shown_of(seen))


def shown_of(seen: Observed) -> list[tuple[bool, str, int]]:
    flaw = Flaw(FindingKind.RACE, "", conflict=())
    return [(row.repeats, row.task, row.line) for row in witness(seen, names_of(seen), (), flaw).steps]


def test_where_nothing_is_known_of_what_is_looked_at() -> None:
    scenario = Scenario()
    flag = scenario.value("i", 0, "flag")
    seen = endless(scenario, [for_ever(at(3, read(flag)))])
    step = seen.execution.trace[-1]
    look = Operation(KIND.LOCK_VALUE, NO_OBJECT, line=3)
    cycle = cycles.Cycle((msgspec.structs.replace(step, operation=look),), (step.task,))
    assert cycles.told(seen, names_of(seen), cycle).message == (
        "P1 does the same again and again in line 3, and nothing changes."
    )
