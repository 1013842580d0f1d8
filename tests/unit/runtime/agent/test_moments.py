"""Moments at which clocks show numbers that a program names."""

import datetime
import time

import pytest

from grader.core.execution import Source
from grader.runtime.agent import draws, moments

EVERY = range(moments.MOST)


def shown(source: str, format_: str) -> set[str]:
    starts = (moments.moment(source, number).wall / 1e9 for number in EVERY)
    return {time.strftime(format_, time.gmtime(start)) for start in starts}


@pytest.mark.parametrize(
    ("source", "format_", "wanted"),
    [
        ("if hour == 3: pass", "%H", "03"),
        ("if second != 14: pass", "%S", "14"),
        ("if minute < 7: pass", "%M", "06"),
        ("if 20 < hour < 24: pass", "%H", "22"),
        ("if weekday == 5: pass", "%u", "6"),
        ("if (month, day) == (2, 29): pass", "%d", "29"),
        ("if month == 11: pass", "%m", "11"),
        ("if year >= 2040: pass", "%Y", "2040"),
        ("if now > 2_500_000_000: pass", "%s", "2500000001"),
    ],
)
def test_a_field_of_the_date_shows_a_number_of_the_program(source: str, format_: str, wanted: str) -> None:
    assert wanted in shown(source, format_)


@pytest.mark.parametrize("unit", [1, 10, 100, 10**3, 10**4, 10**6])
@pytest.mark.parametrize("clock", ["wall", "running"])
def test_digits_of_a_clock_are_a_number_of_the_program(unit: int, clock: str) -> None:
    source = f"odd = clock() // {unit} % 1000 == 327"
    assert 327 in {getattr(moments.moment(source, number), clock) // unit % 1_000 for number in EVERY}


@pytest.mark.parametrize("unit", [10**3, 10**6, 10**9])
def test_a_remainder_of_a_clock_is_a_number_of_the_program(unit: int) -> None:
    source = "odd = clock() % 64 == 17"
    assert 17 in {moments.moment(source, number).running // unit % 64 for number in EVERY}
    assert 17 in {moments.moment(source, number).wall // unit % 64 for number in EVERY}


def test_a_program_without_numbers_has_a_moment() -> None:
    assert moments.how_many("pass") == 1
    assert moments.moment("pass", 0).wall > draws.STARTS.wall
    assert moments.moment("not ( python", 0) == moments.moment("pass", 0)


def test_there_are_no_more_moments_than_a_program_has_numbers_for() -> None:
    assert moments.how_many("x = 3") < moments.MOST
    assert moments.how_many(f"x = {list(range(2, 90, 3))}") == moments.MOST


def test_a_moment_is_one_of_the_program_alone_and_soon_found() -> None:
    source = "x = [3, 14, 2_031, 777, 4_000_000]; y = x % 60"
    started = time.process_time()
    assert [moments.moment(source, one) for one in EVERY] == [moments.moment(source, one) for one in EVERY]
    assert time.process_time() - started < 2


def under_each(run, script: str) -> list:
    return [run(script, draw) for draw in draws.MOMENTS]


def test_clocks_begin_at_the_moment_and_run_as_ever(run):
    script = """
        import datetime, time
        print(time.gmtime().tm_hour == 3, time.time_ns() // 10 % 1000 == 777, datetime.datetime.now().second == 14)
        before = time.time(), time.monotonic(), time.process_time()
        time.sleep(2)
        print(all(then < now for then, now in zip(before, (time.time(), time.monotonic(), time.process_time()))))
        print(round(time.time() - before[0], 1))
    """
    said = [one.out[0].split() for one in under_each(run, script)]
    assert {"True"} <= {words[0] for words in said}
    assert {"True"} <= {words[1] for words in said}
    assert {"True"} <= {words[2] for words in said}
    assert all(words[3:] == ["True", "2.0"] for words in said)


def test_process_ids_leave_a_number_of_the_program(run):
    script = "import os; print(os.getppid() % 997 == 550, os.getpid() - os.getppid(), 997 > 550)"
    said = [one.out[0].split() for one in under_each(run, script)]
    assert "True" in {words[0] for words in said}
    assert {words[1] for words in said} == {"1"}


def test_what_is_counted_of_a_process_is_a_number_of_the_program(run):
    script = """
        import os, resource
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(usage.ru_nivcsw > 400, usage.ru_utime > 400, os.times().user > 400, os.getloadavg()[0] > 400)
    """
    said = [one.out[0].split() for one in under_each(run, script)]
    assert all("True" in {words[place] for words in said} for place in range(4))
    assert run(script).out[0].split() == ["False"] * 4
    assert {sources for _, sources in run(script).sources} == {Source.CLOCK}


def test_the_date_is_one_of_the_calendar():
    for number in EVERY:
        start = moments.moment("x = [31, 2, 30, 4]", number).wall / 1e9
        assert datetime.datetime.fromtimestamp(start, datetime.timezone.utc).year >= 2030
