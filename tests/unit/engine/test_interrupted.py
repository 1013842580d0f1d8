"""A race among many other operations is found by interrupting tasks once and twice where they use what others use."""

from collections.abc import Sequence

from scenarios import Steps, adding, read, write

from grader.core.execution import Budget, Execution, StopReason
from grader.core.operations import Operation, OperationKind
from grader.engine.explorer import explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.interrupted import Interrupted, uses
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared
from tests.programs import acquire, release


def noisy(noise: Shared, body: Script, times: int = 40) -> Script:
    def script() -> Steps:
        for number in range(times):
            yield write(noise, number)
        yield from body()
        for number in range(times):
            yield write(noise, number)

    return script


def executions(scenario: Scenario, scripts: Sequence[Script], strategy: Interrupted) -> list[Execution]:
    seen: list[Execution] = []

    def watch(execution: Execution) -> bool:
        seen.append(execution)
        return True

    explore(ScriptedProgram(scenario.objects, scripts), strategy, Budget(), watch)
    return seen


def finals(scenario: Scenario, found: Sequence[Execution], value: Shared) -> list[object]:
    return [Observed(scenario, execution).value(value) for execution in found]


def test_the_first_execution_goes_as_it_would_and_an_update_is_lost_soon() -> None:
    scenario = Scenario()
    noise, value = scenario.value("i", 0, "noise"), scenario.value("i", 0, "value")
    scripts = [noisy(noise, adding(value)), noisy(noise, adding(value))]
    found = executions(scenario, scripts, Interrupted(6))
    values = finals(scenario, found, value)
    assert values[0] == 2
    assert [first for first, _ in zip(found[0].schedule, found[0].schedule[1:])].count(
        1
    ) > 80  # not interrupted
    assert 1 in values[1:]


def test_with_enough_executions_every_use_is_interrupted_and_that_is_said() -> None:
    scenario = Scenario()
    value = scenario.value("i", 0, "value")
    few, enough = Interrupted(2), Interrupted(50)
    executions(scenario, [adding(value)] * 3, few)
    made = executions(scenario, [adding(value)] * 3, enough)
    assert not few.complete
    assert enough.complete
    assert {1, 2, 3} <= set(finals(scenario, made, value))  # 1 needs two interruptions


def test_whatever_a_task_does_before_its_race_it_is_interrupted_there() -> None:
    scenario = Scenario()
    value, lock = scenario.value("i", 0, "value"), scenario.lock()

    def two_sections() -> Steps:
        for _ in range(5):
            yield read(value)
        yield acquire(lock.object)
        seen = yield read(value)
        yield release(lock.object)
        yield Operation(OperationKind.SLEEP)
        yield acquire(lock.object)
        yield write(value, int.from_bytes(seen.data, "little") + 1)
        yield release(lock.object)
        for _ in range(5):
            yield read(value)

    strategy = Interrupted(200)
    made = executions(scenario, [two_sections] * 2, strategy)
    assert strategy.complete
    assert 1 in finals(scenario, made, value)


def test_one_execution_for_each_pair_of_spots_is_enough_for_a_sample() -> None:
    scenario = Scenario()
    value = scenario.value("i", 0, "value")
    made = executions(scenario, [adding(value)] * 5, Interrupted(50, each_spot_once=True))
    assert len(made) == 2
    assert finals(scenario, made, value) == [5, 4]


def test_only_uses_with_another_one_behind_them_count() -> None:
    scenario = Scenario()
    value = scenario.value("i", 0, "value")
    (made,) = executions(scenario, [adding(value)] * 2, Interrupted(1))
    found = [use for use in uses(made) if use.target == value.object]
    assert [(use.task, made.trace[use.number].operation.kind) for use in found] == [
        (0, OperationKind.MEMORY_READ),
        (1, OperationKind.MEMORY_READ),
    ]


def test_it_ends_where_nothing_is_shared() -> None:
    scenario = Scenario()
    one, other = scenario.value("i", 0, "one"), scenario.value("i", 0, "other")
    program = ScriptedProgram(scenario.objects, [adding(one), adding(other)])
    explored = explore(program, Interrupted(9), Budget(), lambda _: True)
    assert explored.executions == 1
    assert explored.stopped is StopReason.EXECUTIONS  # which proves nothing
