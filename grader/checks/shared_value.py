"""Checks of the exercise `shared_value`: updates of a shared `Value` and a shared `Array`."""

from collections.abc import Sequence
from typing import Any

import pytest

from grader.grading import expect
from grader.grading.flaws import Flaw, Verdict
from grader.grading.lab import EACH_SPOT, MANY, Lab
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.grading.values import counted_up, limits, show

VALUE = "update_shared_value"
ARRAY = "update_shared_array"
RUN = "run_updates"
MAIN = 1
INTEGERS = "bBhHiIlLqQ"
ALMOST_TOO_LARGE = 2**24 - 2.0
"""An `f` holds it exactly, and the next integer."""
DOUBLES = [0.0, 0.1, 1 / 3, 0.125, 1e15]
FEW_SPOTS = 3
"""Interruptions where an execution may be long."""
LONG = 260
"""More elements than most would do in one piece: 64, 100, 256."""
VALUES: list[tuple[str, Any]] = [
    *(("i", start) for start in (255, 256, 257, 10**6, -3)),
    *((typecode, start) for typecode in "ILQ" for start in (2**31, 2**31 + 5)),
    *((typecode, start) for typecode in INTEGERS for start in (limits(typecode)[0], limits(typecode)[1] - 1)),
    *(("f", start) for start in (0.0, 0.125, -3.0, ALMOST_TOO_LARGE)),
    *(("d", start) for start in DOUBLES),
]
ARRAYS: list[tuple[str, list[Any]]] = [
    *(("i", list(range(-3, length - 3))) for length in (0, 1, 2, 64, 65, 1_000)),
    *((typecode, [limits(typecode)[0], limits(typecode)[1] - 1, 1]) for typecode in INTEGERS),
    *((typecode, [2**31, 0]) for typecode in "ILQ"),
    ("f", [0.0, 0.125, -3.0, ALMOST_TOO_LARGE]),
    ("d", DOUBLES),
]
RUNS: list[tuple[str, Any]] = [
    *(("i", start) for start in (256, 257, 10**6, -3)),
    *((typecode, limits(typecode)[1] - 1) for typecode in INTEGERS if typecode != "i"),
    *(("f", start) for start in (0.0, ALMOST_TOO_LARGE)),
    *(("d", start) for start in DOUBLES),
]


@pytest.mark.check(points=0.5, function=VALUE)
@pytest.mark.parametrize(
    ("typecode", "start"),
    [
        ("i", 0),
        ("i", 41),
        ("i", -3),
        ("d", 0.5),
        ("d", -1.25),
        ("l", 7),
        ("h", -1),
        ("B", 9),
        ("f", 2.5),
        ("q", 2**40),
    ],
)
def test_value_adds_one(lab: Lab, typecode: str, start: Any) -> None:
    """update_shared_value adds exactly 1, whatever the type and the start"""
    scenario = Scenario()
    value, lock = scenario.value(typecode, start, "shared_value"), scenario.lock()
    scenario.call(VALUE, value, lock)
    lab.explore(
        scenario,
        lambda seen: expect.final_value(seen, value, start + 1),
        overshoot=lambda seen: expect.above(seen, value, start + 1),
    )


def _from(typecode: str, start: Any) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=f"Value({typecode!r}, {start!r})")
    value, lock = scenario.value(typecode, start, "shared_value"), scenario.lock()
    scenario.call(VALUE, value, lock)
    return scenario, lambda seen: expect.final_value(seen, value, counted_up(typecode, start))


@pytest.mark.check(points=0.5, function=VALUE, after=["test_value_adds_one"])
def test_value_of_every_type(lab: Lab) -> None:
    """update_shared_value adds 1 to numbers of every type, small and large"""
    lab.try_each(_from(typecode, start) for typecode, start in VALUES)


@pytest.mark.check(points=1.5, function=VALUE, after=["test_value_adds_one"])
@pytest.mark.parametrize(("processes", "typecode", "start"), [(2, "i", 0), (2, "d", 0.5), (3, "i", -1)])
def test_value_loses_nothing(lab: Lab, processes: int, typecode: str, start: Any) -> None:
    """No update of the value is lost when several processes are at it"""
    scenario = Scenario(processes)
    value, lock = scenario.value(typecode, start, "shared_value"), scenario.lock()
    scenario.call(VALUE, value, lock, count=processes)
    lab.explore(scenario, lambda seen: expect.final_value(seen, value, start + processes))


@pytest.mark.check(points=0.5, function=VALUE, after=["test_value_loses_nothing"])
@pytest.mark.parametrize(("processes", "typecode"), [(1, "i"), (1, "d"), (2, "i")])
def test_value_keeps_partners_out(lab: Lab, processes: int, typecode: str) -> None:
    """A partner who holds the same lock loses no update either"""
    scenario = Scenario(processes)
    value, lock = scenario.value(typecode, 0, "shared_value"), scenario.lock()
    scenario.call(VALUE, value, lock, count=processes)
    scenario.partner(expect.adding_partner(value, lock, typecode))
    expected = type(expect.zero(typecode))(processes + 1)
    lab.explore(scenario, lambda seen: expect.final_value(seen, value, expected))


@pytest.mark.check(points=0.5, function=VALUE, after=["test_value_loses_nothing"])
@pytest.mark.parametrize("typecode", ["i", "d"])
def test_value_frees_lock(lab: Lab, typecode: str) -> None:
    """The lock is free again when update_shared_value has returned"""
    scenario = Scenario()
    value, lock = scenario.value(typecode, 0, "shared_value"), scenario.lock()
    scenario.call(VALUE, value, lock)
    lab.explore(scenario, lambda seen: expect.lock_is_free(seen, lock))


def _together(typecode: str, start: Any, times: int = 1, processes: int = 2) -> tuple[Scenario, Verdict]:
    calls = f", {times} calls in each process" if times > 1 else ""
    scenario = Scenario(processes, f"Value({typecode!r}, {start!r}){calls}")
    value, lock = scenario.value(typecode, start, "shared_value"), scenario.lock()
    scenario.call(VALUE, value, lock, count=processes, times=times)
    expected = counted_up(typecode, start, processes * times)
    return scenario, lambda seen: expect.final_value(seen, value, expected)


@pytest.mark.check(points=0, function=VALUE, after=["test_value_loses_nothing", "test_value_of_every_type"])
def test_value_loses_nothing_elsewhere(lab: Lab) -> None:
    """No update of a value is lost with other types and numbers either, in several calls, and more processes"""
    values: list[tuple[str, Any]] = [
        *((typecode, 1) for typecode in INTEGERS),
        *(("i", start) for start in (10**6, -3, *lab.named(-(2**31), 2**31 - 3))),
        *(("d", start) for start in (0.1, *map(float, lab.named(2, 2**52, most=2)))),
        ("f", 0.125),
    ]
    calls = [3, *lab.named(4, 60, most=2)]
    lab.try_each(
        [
            *(_together(*value) for value in values),
            *(_together("i", 0, times) for times in calls),
            *(_together("i", 0, 1, processes) for processes in MANY),
        ],
        interruptions=EACH_SPOT,
        withdraws=["test_value_loses_nothing"],
    )


@pytest.mark.check(points=0.5, function=ARRAY)
@pytest.mark.parametrize(
    ("typecode", "start"),
    [
        ("i", [0, 10, -3, 7, 8]),
        ("i", []),
        ("i", [4]),
        ("d", [0.5, 1.5, -2.25]),
        ("i", list(range(12))),
        ("h", [1, 1, 1]),
        ("d", []),
    ],
)
def test_array_adds_one(lab: Lab, typecode: str, start: list[Any]) -> None:
    """update_shared_array adds exactly 1 to every item, however many there are"""
    scenario = Scenario()
    array, lock = scenario.array(typecode, start, "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock)
    lab.explore(
        scenario,
        lambda seen: expect.final_value(seen, array, [item + 1 for item in start]),
        overshoot=lambda seen: expect.above(seen, array, [item + 1 for item in start]),
    )


def _with(typecode: str, start: list[Any]) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=f"Array({typecode!r}, {show(start)})")
    array, lock = scenario.array(typecode, start, "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock)
    expected = [counted_up(typecode, item) for item in start]
    return scenario, lambda seen: expect.final_value(seen, array, expected)


@pytest.mark.check(points=0.5, function=ARRAY, after=["test_array_adds_one"])
def test_array_of_every_size(lab: Lab) -> None:
    """update_shared_array adds 1 in arrays of every type and size"""
    lab.try_each(_with(typecode, start) for typecode, start in ARRAYS)


@pytest.mark.check(points=1, function=ARRAY, after=["test_array_adds_one"])
@pytest.mark.parametrize(
    ("processes", "typecode", "start"),
    [(2, "i", [0]), (2, "i", [1, -5]), (2, "d", [0.5, 0.5]), (3, "i", [0])],
)
def test_array_loses_nothing(lab: Lab, processes: int, typecode: str, start: Sequence[Any]) -> None:
    """No update of the array is lost when several processes are at it"""
    scenario = Scenario(processes)
    array, lock = scenario.array(typecode, start, "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock, count=processes)
    expected = [item + processes for item in start]
    lab.explore(scenario, lambda seen: expect.final_value(seen, array, expected))


@pytest.mark.check(points=0.5, function=ARRAY, after=["test_array_loses_nothing", "test_array_of_every_size"])
def test_long_array_loses_nothing(lab: Lab) -> None:
    """No update of a long array is lost, wherever a partner comes in between"""
    scenario = Scenario(about=f"an array of {LONG} elements")
    array, lock = scenario.array("i", range(LONG), "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock)
    scenario.partner(expect.adding_at_once(array, lock, "i", LONG))
    expected = list(range(2, LONG + 2))
    lab.interrupt(scenario, lambda seen: expect.final_value(seen, array, expected))


@pytest.mark.check(points=0.5, function=ARRAY, after=["test_array_loses_nothing"])
@pytest.mark.parametrize("start", [[3], [1, 2], list(range(20))])
def test_array_keeps_partners_out(lab: Lab, start: list[int]) -> None:
    """A partner who holds the same lock loses no update of the array either"""
    scenario = Scenario()
    array, lock = scenario.array("i", start, "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock)
    scenario.partner(expect.adding_partner(array, lock, "i", len(start)))
    lab.explore(scenario, lambda seen: expect.final_value(seen, array, [item + 2 for item in start]))


@pytest.mark.check(points=0.5, function=ARRAY, after=["test_array_loses_nothing"])
@pytest.mark.parametrize("start", [[], [3, 4]])
def test_array_frees_lock(lab: Lab, start: list[int]) -> None:
    """The lock is free again when update_shared_array has returned"""
    scenario = Scenario()
    array, lock = scenario.array("i", start, "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock)
    lab.explore(scenario, lambda seen: expect.lock_is_free(seen, lock))


def _together_in(
    typecode: str, start: list[Any], times: int = 1, processes: int = 2
) -> tuple[Scenario, Verdict]:
    calls = f", {times} calls in each process" if times > 1 else ""
    scenario = Scenario(processes, f"Array({typecode!r}, {show(start)}){calls}")
    array, lock = scenario.array(typecode, start, "shared_array"), scenario.lock()
    scenario.call(ARRAY, array, lock, count=processes, times=times)
    expected = [counted_up(typecode, item, processes * times) for item in start]
    return scenario, lambda seen: expect.final_value(seen, array, expected)


@pytest.mark.check(
    points=0, function=ARRAY, after=["test_long_array_loses_nothing", "test_array_of_every_size"]
)
def test_array_loses_nothing_elsewhere(lab: Lab) -> None:
    """No update of an array is lost with other types and lengths either, in several calls, and more processes"""
    lengths = [lab.drawn(4, 12), *lab.named(3, 600, most=3)]
    arrays: list[tuple[str, list[Any]]] = [
        *((typecode, [1, 2]) for typecode in INTEGERS if typecode != "i"),
        *(("i", list(range(length))) for length in lengths),
        ("f", [0.125, 2.0]),
        ("d", [0.1]),
    ]
    lab.try_each(
        [
            *(_together_in(*array) for array in arrays),
            _together_in("i", [5, 6], 3),
            *(_together_in("i", [0], 1, processes) for processes in MANY),
        ],
        interruptions=FEW_SPOTS,
        withdraws=["test_array_loses_nothing"],
    )


_VALUE_IS_RIGHT = ["test_value_keeps_partners_out", "test_value_frees_lock"]


def _ran(seen: Observed, typecode: str, initial: Any, processes: int) -> list[Flaw]:
    call = f"run_updates({typecode!r}, {initial!r}, {processes})"
    expected = counted_up(typecode, initial, processes)
    return [
        *expect.all_together(seen, MAIN, processes, call),
        *expect.exactly(seen, MAIN, processes, call),
        *expect.each_does_its_share(seen, MAIN, call),
        *expect.returned(seen, MAIN, expected, call),
        *expect.has_read(seen, MAIN, expected, call),
        *expect.nothing_left(seen, MAIN, call),
    ]


@pytest.mark.check(points=1.5, function=RUN, after=_VALUE_IS_RIGHT)
@pytest.mark.parametrize(
    ("typecode", "initial", "processes"),
    [("i", 0, 1), ("i", 0, 2), ("i", -2, 2), ("i", 10, 3), ("d", 0.5, 2), ("d", -1.5, 1), ("l", 100, 2)],
)
def test_runs(lab: Lab, typecode: str, initial: Any, processes: int) -> None:
    """run_updates lets all processes update at once, waits for them and returns the value"""
    scenario = Scenario(processes)
    scenario.main(RUN, typecode, initial, processes)
    lab.explore(scenario, lambda seen: _ran(seen, typecode, initial, processes))


def _run_from(typecode: str, initial: Any) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=f"Value({typecode!r}, {initial!r})")
    scenario.main(RUN, typecode, initial, 1)
    return scenario, lambda seen: _ran(seen, typecode, initial, 1)


@pytest.mark.check(points=0.5, function=RUN, after=["test_runs", "test_value_of_every_type"])
def test_runs_from_any(lab: Lab) -> None:
    """run_updates begins with the initial value that it is given, of every type"""
    lab.try_each(_run_from(*run) for run in RUNS)


@pytest.mark.check(points=0.5, function=RUN, after=["test_runs"])
def test_runs_twice(lab: Lab) -> None:
    """run_updates begins with the initial value every time that it is called"""
    scenario = Scenario(2)
    scenario.main(RUN, "i", 5, 2, times=2)
    again = "the second run_updates('i', 5, 2)"
    lab.sample(
        scenario,
        lambda seen: [
            *expect.started_again(seen, MAIN, 2, again),
            *expect.returned(seen, MAIN, 7, again),
        ],
        schedules=3,
    )


@pytest.mark.check(points=0.5, function=RUN, after=["test_runs"])
@pytest.mark.parametrize(
    ("typecode", "initial", "processes", "schedules"), [("i", 1, 4, 6), ("d", 2.25, 5, 4), ("i", -7, 8, 3)]
)
def test_runs_with_many(lab: Lab, typecode: str, initial: Any, processes: int, schedules: int) -> None:
    """run_updates is right for more processes, too"""
    scenario = Scenario(processes)
    scenario.main(RUN, typecode, initial, processes)
    lab.sample(scenario, lambda seen: _ran(seen, typecode, initial, processes), schedules=schedules)


def _run_with(typecode: str, initial: Any, processes: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(processes, f"run_updates({typecode!r}, {initial!r}, {processes})")
    scenario.main(RUN, typecode, initial, processes)
    return scenario, lambda seen: _ran(seen, typecode, initial, processes)


def _run_again(times: int) -> tuple[Scenario, Verdict]:
    call = f"call number {times} of run_updates('i', 5, 2)"
    scenario = Scenario(2, f"{times} calls of run_updates('i', 5, 2)")
    scenario.main(RUN, "i", 5, 2, times=times)
    return scenario, lambda seen: [
        *expect.started_again(seen, MAIN, 2, call, times),
        *expect.returned(seen, MAIN, 7, call),
    ]


@pytest.mark.check(points=0, function=RUN, after=["test_runs_from_any", "test_runs_with_many"])
def test_runs_elsewhere(lab: Lab) -> None:
    """run_updates is right for other numbers, types and processes, too"""
    runs: list[tuple[str, Any, int]] = [
        *(("i", 3, count) for count in (lab.drawn(6, 20), *lab.named(4, 41))),
        *(("i", start, 2) for start in (10**6, *lab.named(-(2**31), 2**31 - 3))),
        *((typecode, 1, 2) for typecode in "hBLq"),
        ("f", 0.125, 2),
        ("d", 0.1, 2),
    ]
    lab.try_each((_run_with(*run) for run in runs), interruptions=EACH_SPOT, withdraws=[RUN])


@pytest.mark.check(points=0, function=RUN, after=["test_runs_twice"])
def test_runs_again(lab: Lab) -> None:
    """run_updates is right however often it is called"""
    calls = [4, *lab.named(5, 12, most=1)]
    lab.try_each(map(_run_again, calls), interruptions=EACH_SPOT, withdraws=[RUN])


@pytest.mark.free
@pytest.mark.check(
    points=0, function=RUN, after=["test_value_loses_nothing", "test_array_loses_nothing", "test_runs"]
)
def test_runs_free(lab: Lab) -> None:
    """Everything is right when nobody controls the order, with up to 32 processes"""
    lab.run_free()
