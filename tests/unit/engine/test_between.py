"""Large inputs: one order in which nobody is interrupted, and some in which one task is, between its sections."""

from scenarios import KIND, Steps, adding, read, write

from grader.core.execution import Budget, Execution
from grader.core.operations import Operation
from grader.engine.explorer import explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.between import Between
from grader.engine.strategies.in_turn import LONGEST_TURN, InTurn
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario, Shared

BUDGET = Budget(steps=10_000)


def executed(scenario: Scenario, scripts: list[Script], strategy: Strategy) -> list[Execution]:
    made: list[Execution] = []
    explore(ScriptedProgram(scenario.objects, scripts), strategy, BUDGET, lambda seen: not made.append(seen))
    return made


def in_sections(value: Shared, lock: Shared, sections: int) -> Script:
    """Reads in the first section, writes in the last one."""

    def script() -> Steps:
        number = 0
        for section in range(sections):
            yield Operation(KIND.LOCK_ACQUIRE, lock.object, line=1)
            if section == 0:
                result = yield read(value)
                number = int.from_bytes(result.data, "little")
            if section == sections - 1:
                yield write(value, number + 1)
            yield Operation(KIND.LOCK_RELEASE, lock.object, line=4)

    return script


def test_in_turn_is_one_execution_in_which_nobody_is_interrupted() -> None:
    scenario = Scenario()
    value, lock = scenario.value("i", 0, "value"), scenario.lock()
    (made,) = executed(scenario, [adding(value, lock)] * 3, InTurn())
    assert made.schedule == (0,) * 5 + (1,) * 5 + (2,) * 5
    assert Observed(scenario, made).value(value) == 3


def test_in_turn_lets_others_go_in_the_end() -> None:
    scenario = Scenario()
    first, second = scenario.value("i", 0, "first"), scenario.value("i", 0, "second")

    def counting(value: Shared) -> Script:
        def script() -> Steps:
            for number in range(LONGEST_TURN + 10):
                yield write(value, number)

        return script

    (made,) = executed(scenario, [counting(first), counting(second)], InTurn())
    assert made.schedule.index(1) == LONGEST_TURN
    assert made.schedule[-1] == 1
    assert len(made.schedule) == 2 * (LONGEST_TURN + 11)


def test_an_update_in_two_sections_is_lost() -> None:
    scenario = Scenario()
    value, lock = scenario.value("i", 0, "value"), scenario.lock()
    made = executed(scenario, [in_sections(value, lock, 9), adding(value, lock)], Between(3, 1_000))
    values = [Observed(scenario, seen).value(value) for seen in made]
    assert values == [2, 1, 1]


def test_nobody_is_interrupted_who_works_in_one_section() -> None:
    scenario = Scenario()
    value, lock = scenario.value("i", 0, "value"), scenario.lock()
    assert len(executed(scenario, [adding(value, lock)] * 2, Between(9, 1_000))) == 1


def test_a_rare_place_comes_before_a_frequent_one() -> None:
    scenario = Scenario()
    value, lock = scenario.value("i", 0, "value"), scenario.lock()

    def script() -> Steps:
        yield from in_sections(value, lock, 50)()
        _ = yield read(value)
        yield write(value, 0)

    made = executed(scenario, [script, adding(value, lock)], Between(4, 10_000))
    interrupted = [seen.schedule.index(1) for seen in made[1:]]
    steps = 2 * 50 + 2
    assert set(interrupted[:2]) == {steps, steps + 1}
    assert interrupted[2] == 3


def test_long_executions_are_few() -> None:
    scenario = Scenario()
    value, lock = scenario.value("i", 0, "value"), scenario.lock()
    scripts = [in_sections(value, lock, 50), adding(value, lock)]
    assert len(executed(scenario, scripts, Between(9, 10_000))) == 5
    assert len(executed(scenario, scripts, Between(9, 250))) == 2
