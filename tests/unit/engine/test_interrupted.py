"""A race among many other operations is found by interrupting each task once where it uses what others use."""

from scenarios import Steps, adding, observed, read, write

from grader.core.execution import Budget, Execution, StopReason
from grader.engine.explorer import explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.interrupted import Interrupted, interruptions
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared


def noisy(noise: Shared, body: Script, times: int = 40) -> Script:
    def script() -> Steps:
        for number in range(times):
            yield write(noise, number)
        yield from body()
        for number in range(times):
            yield write(noise, number)

    return script


def test_an_update_is_lost_however_much_else_is_done() -> None:
    scenario = Scenario()
    noise, value = scenario.value("i", 0, "noise"), scenario.value("i", 0, "value")
    program = ScriptedProgram(scenario.objects, [noisy(noise, adding(value)), noisy(noise, adding(value))])
    values = []

    def watch(execution: Execution) -> bool:
        values.append(Observed(scenario, execution).value(value))
        return True

    explored = explore(program, Interrupted(6), Budget(), watch)
    assert values[0] == 2
    assert 1 in values[1:3]
    assert explored.executions == 6


def test_what_is_used_least_comes_first_and_the_last_use_never() -> None:
    scenario = Scenario()
    often, seldom = scenario.value("i", 0, "often"), scenario.value("i", 0, "seldom")

    def first() -> Steps:
        for _ in range(3):
            _ = yield read(often)
        yield from adding(seldom)()

    seen = observed(scenario, [first, first], [1] * 5)
    assert interruptions(seen.execution)[:2] == [(1, 4), (2, 4)]
    assert set(interruptions(seen.execution)) == {(task, steps) for task in (1, 2) for steps in (1, 2, 4)}


def test_it_ends_where_nothing_is_shared() -> None:
    scenario = Scenario()
    one, other = scenario.value("i", 0, "one"), scenario.value("i", 0, "other")
    program = ScriptedProgram(scenario.objects, [adding(one), adding(other)])
    explored = explore(program, Interrupted(9), Budget(), lambda _: True)
    assert explored.executions == 1
    assert explored.stopped is StopReason.EXECUTIONS  # which proves nothing
