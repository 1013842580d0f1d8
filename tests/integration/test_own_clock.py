"""How long processes wait by their own clocks, as the judge learns it with every operation."""

import textwrap

from grader.grading.giving_up import GiveUp, give_ups
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.runtime.template import Template
from tests.hosted import explored


def given_up(template: Template, body: str) -> tuple[GiveUp, ...]:
    """Who gives up in the only order of a program with one process."""
    main = "def main():\n" + textwrap.indent(textwrap.dedent(body), "    ")
    (execution,) = explored(template, "import multiprocessing as mp, queue, time\n" + main).executions
    return give_ups(Observed(Scenario(), execution))


def test_a_timeout_takes_its_time(template: Template) -> None:
    (lock,) = given_up(
        template,
        """
        lock = mp.Lock()
        lock.acquire()
        print(lock.acquire(timeout=3600))
        lock.release()
        """,
    )
    assert (lock.line, lock.milliseconds) == (6, 3_600_000)


def test_sleeping_between_the_tries_counts_and_what_comes_after_does_not(template: Template) -> None:
    (get,) = given_up(
        template,
        """
        q = mp.Queue()
        for _ in range(3):
            try:
                q.get_nowait()
            except queue.Empty:
                time.sleep(2)
        time.sleep(500)
        """,
    )
    assert (len(get.tries), get.milliseconds) == (3, 4_000)


def test_a_deadline_is_met_by_looking_at_the_clock(template: Template) -> None:
    (event,) = given_up(
        template,
        """
        event, end = mp.Event(), time.monotonic() + 7200
        while time.monotonic() < end:
            event.wait(1)
        event.is_set()
        """,
    )
    assert len(event.tries) < 30
    assert 7_000_000 < event.milliseconds < 20_000_000


def test_a_condition_is_left_before_its_time_is_counted(template: Template) -> None:
    (condition,) = given_up(
        template,
        """
        bell = mp.Condition()
        with bell:
            bell.wait(40)
        """,
    )
    assert condition.milliseconds == 40_000
