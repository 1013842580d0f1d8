"""Checks of the exercise `counter`: a counter guarded by a lock."""

import pytest

from grader.grading import expect
from grader.grading.flaws import Flaw, Verdict
from grader.grading.lab import EACH_SPOT, MANY, Lab
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario

INCREMENT = "increment_counter"
RUN = "run_counter"
MAIN = 1
STARTS = [255, 256, 257, 10**6, 65_535, -3, -1, -257, 2**31 - 2, -(2**31)]


@pytest.mark.check(points=0.5, function=INCREMENT)
@pytest.mark.parametrize("start", [0, 41, -3])
def test_adds_one(lab: Lab, start: int) -> None:
    """increment_counter adds exactly 1, whatever the counter starts at"""
    scenario = Scenario()
    counter, lock = scenario.value("i", start, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock)
    lab.explore(
        scenario,
        lambda seen: [
            *expect.final_value(seen, counter, start + 1),
            *expect.returns_nothing(seen, INCREMENT),
        ],
        overshoot=lambda seen: expect.above(seen, counter, start + 1),
    )


def _from(start: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(about=f"Value('i', {start})")
    counter, lock = scenario.value("i", start, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock)
    return scenario, lambda seen: expect.final_value(seen, counter, start + 1)


@pytest.mark.check(points=0.5, function=INCREMENT, after=["test_adds_one"])
def test_adds_one_to_any(lab: Lab) -> None:
    """increment_counter adds 1 to large and to negative counters, too"""
    lab.try_each(map(_from, STARTS))


@pytest.mark.check(points=3, function=INCREMENT, after=["test_adds_one"])
@pytest.mark.parametrize("processes", [2, 3])
def test_loses_nothing(lab: Lab, processes: int) -> None:
    """No increment is lost when several processes count at once"""
    scenario = Scenario(processes)
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock, count=processes)
    lab.explore(
        scenario,
        lambda seen: expect.final_value(seen, counter, processes),
        overshoot=lambda seen: expect.above(seen, counter, processes),
    )


@pytest.mark.check(points=1, function=INCREMENT, after=["test_loses_nothing"])
@pytest.mark.parametrize("processes", [1, 2])
def test_keeps_partners_out(lab: Lab, processes: int) -> None:
    """A partner who holds the same lock loses no increment either"""
    scenario = Scenario(processes)
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock, count=processes)
    scenario.partner(expect.adding_partner(counter, lock, "i"))
    lab.explore(scenario, lambda seen: expect.final_value(seen, counter, processes + 1))


@pytest.mark.check(points=0.5, function=INCREMENT, after=["test_keeps_partners_out"])
def test_touches_under_lock(lab: Lab) -> None:
    """The counter is only read and written while the lock is held"""
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock)
    lab.explore(scenario, lambda seen: expect.all_under(seen, counter, lock))


@pytest.mark.check(points=0.5, function=INCREMENT, after=["test_loses_nothing"])
def test_frees_lock(lab: Lab) -> None:
    """The lock is free again when increment_counter has returned"""
    scenario = Scenario()
    counter, lock = scenario.value("i", 0, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock)
    lab.explore(scenario, lambda seen: expect.lock_is_free(seen, lock))


def _together(start: int, times: int = 1, processes: int = 2) -> tuple[Scenario, Verdict]:
    calls = f", {times} calls in each process" if times > 1 else ""
    scenario = Scenario(processes, f"Value('i', {start}){calls}")
    counter, lock = scenario.value("i", start, "counter"), scenario.lock()
    scenario.call(INCREMENT, counter, lock, count=processes, times=times)
    return scenario, lambda seen: expect.final_value(seen, counter, start + processes * times)


@pytest.mark.check(points=0, function=INCREMENT, after=["test_loses_nothing", "test_adds_one_to_any"])
def test_loses_nothing_elsewhere(lab: Lab) -> None:
    """No increment is lost with other numbers either, in more processes, and when each counts several times"""
    starts = [41, 10**6, -3, *lab.named(-(2**31), 2**31 - 3)]
    calls = [3, *lab.named(4, 60, most=2)]
    lab.try_each(
        [
            *map(_together, starts),
            *(_together(0, times) for times in calls),
            *(_together(0, 1, processes) for processes in MANY),
        ],
        interruptions=EACH_SPOT,
        withdraws=["test_loses_nothing"],
    )


_INCREMENT_IS_RIGHT = ["test_keeps_partners_out", "test_frees_lock"]


def _ran(seen: Observed, processes: int) -> list[Flaw]:
    call = f"run_counter({processes})"
    return [
        *expect.all_together(seen, MAIN, processes, call),
        *expect.exactly(seen, MAIN, processes, call),
        *expect.each_does_its_share(seen, MAIN, call),
        *expect.returned(seen, MAIN, processes, call),
        *expect.has_read(seen, MAIN, processes, call),
        *expect.nothing_left(seen, MAIN, call),
    ]


@pytest.mark.check(points=3, function=RUN, after=_INCREMENT_IS_RIGHT)
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_runs(lab: Lab, processes: int) -> None:
    """run_counter lets all processes count at once, waits for them and returns the total"""
    scenario = Scenario(processes)
    scenario.main(RUN, processes)
    lab.explore(scenario, lambda seen: _ran(seen, processes))


@pytest.mark.check(points=0.5, function=RUN, after=["test_runs"])
def test_runs_twice(lab: Lab) -> None:
    """run_counter counts from 0 every time that it is called"""
    scenario = Scenario(2)
    scenario.main(RUN, 2, times=2)
    again = "the second run_counter(2)"
    lab.sample(
        scenario,
        lambda seen: [
            *expect.started_again(seen, MAIN, 2, again),
            *expect.returned(seen, MAIN, 2, again),
        ],
        schedules=3,
    )


@pytest.mark.check(points=0.5, function=RUN, after=["test_runs"])
@pytest.mark.parametrize(("processes", "schedules"), [(4, 6), (5, 4), (8, 3), (12, 1)])
def test_runs_with_many(lab: Lab, processes: int, schedules: int) -> None:
    """run_counter is right for more processes, too"""
    scenario = Scenario(processes)
    scenario.main(RUN, processes)
    lab.sample(scenario, lambda seen: _ran(seen, processes), schedules=schedules)


def _run_with(processes: int) -> tuple[Scenario, Verdict]:
    scenario = Scenario(processes, f"run_counter({processes})")
    scenario.main(RUN, processes)
    return scenario, lambda seen: _ran(seen, processes)


def _run_again(times: int) -> tuple[Scenario, Verdict]:
    call = f"call number {times} of run_counter(2)"
    scenario = Scenario(2, f"{times} calls of run_counter(2)")
    scenario.main(RUN, 2, times=times)
    return scenario, lambda seen: [
        *expect.started_again(seen, MAIN, 2, call, times),
        *expect.returned(seen, MAIN, 2, call),
    ]


@pytest.mark.check(points=0, function=RUN, after=["test_runs", "test_runs_with_many"])
def test_runs_elsewhere(lab: Lab) -> None:
    """run_counter is right for other numbers of processes, too"""
    counts = [lab.drawn(6, 20), *lab.named(4, 41)]
    lab.try_each(map(_run_with, counts), interruptions=EACH_SPOT, withdraws=[RUN])


@pytest.mark.check(points=0, function=RUN, after=["test_runs_twice"])
def test_runs_again(lab: Lab) -> None:
    """run_counter is right however often it is called"""
    calls = [4, *lab.named(5, 12, most=1)]
    lab.try_each(map(_run_again, calls), interruptions=EACH_SPOT, withdraws=[RUN])


@pytest.mark.free
@pytest.mark.check(points=0, function=RUN, after=["test_loses_nothing", "test_runs"])
def test_runs_free(lab: Lab) -> None:
    """Everything is right when nobody controls the order, with up to 32 processes"""
    lab.run_free()
