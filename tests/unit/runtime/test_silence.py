"""What the silence of a task means follows from its own CPU time and sleep, not from how long it takes."""

import random

import pytest

from grader.core.execution import Silence
from grader.runtime.silence import (
    MOSTLY_AWAKE,
    MOSTLY_LOOKS,
    STILL_LOOKS,
    STILL_SECONDS,
    UNSEEN_LOOKS,
    Figures,
    Watch,
)

LIMIT = 10.0
MOST = 300.0
GONE = Figures()


class Looks:
    """Looks at a task, each so many seconds after the one before, until its silence means something."""

    def __init__(self, period: float = 0.1, *, in_time: bool = True) -> None:
        self.now = 1_000.0
        self.count = 0
        self._period = period
        self._in_time = in_time
        self._watch = Watch(LIMIT, MOST, self.now)

    def at(self, figures: Figures, *, in_time: bool | None = None) -> Silence | None:
        self.count += 1
        self.now += self._period
        wanted = self._in_time if in_time is None else in_time
        return self._watch.look(figures, self.now, in_time=wanted)

    @property
    def waited(self) -> float:
        return self.now - 1_000.0


def running(cpu: float, switches: int = 0) -> Figures:
    return Figures(found=True, cpu=cpu, switches=switches)


def sleeping(cpu: float = 0.0, switches: int = 7) -> Figures:
    return Figures(found=True, cpu=cpu, switches=switches, asleep=True)


def test_a_task_computes_only_when_it_has_used_up_its_limit_itself() -> None:
    looks = Looks()
    for tenths in range(100):
        assert looks.at(running(5 + tenths / 10)) is None
    assert looks.at(running(15)) is Silence.COMPUTES


@pytest.mark.parametrize("share", [1.0, 0.2, 0.05])
def test_how_long_it_takes_is_nothing_to_the_limit(share: float) -> None:
    looks = Looks()
    cpu = 0.0
    while (silence := looks.at(running(cpu))) is None:
        cpu += 0.1 * share
    assert silence is Silence.COMPUTES
    assert cpu == pytest.approx(LIMIT, abs=0.2)
    assert looks.waited == pytest.approx(LIMIT / share, rel=0.1)


def test_a_task_that_never_gets_to_run_says_nothing_about_itself() -> None:
    looks = Looks()
    while (silence := looks.at(Figures(True, 0.0, 0, False, ready=True))) is None:
        pass
    assert silence is Silence.BUSY
    assert looks.waited == pytest.approx(MOST, abs=0.2)


def test_a_task_that_does_not_even_want_to_run_does_not_blame_the_machine() -> None:
    looks = Looks()  # it waits in the kernel for a child, as after vfork
    while (silence := looks.at(running(0.0))) is None:
        pass
    assert silence is Silence.STALLED
    assert looks.waited == pytest.approx(MOST, abs=0.2)


def test_a_sleeper_is_given_up_after_enough_looks() -> None:
    looks = Looks()
    while (silence := looks.at(sleeping())) is None:
        pass
    assert silence is Silence.WAITS
    assert looks.count > STILL_LOOKS
    assert STILL_SECONDS <= looks.waited < 2 * STILL_SECONDS


def test_quick_looks_do_not_give_a_sleeper_up_sooner() -> None:
    looks = Looks(0.001)
    for _ in range(MOSTLY_LOOKS - 1):
        assert looks.at(sleeping()) is None


@pytest.mark.parametrize(
    "between",
    [sleeping(cpu=0.01), sleeping(switches=8), running(0.0, 7)],
    ids=["has used CPU", "has run", "wants to run"],
)
def test_a_sleeper_that_has_run_is_looked_at_anew(between: Figures) -> None:
    looks = Looks()
    for _ in range(STILL_LOOKS):
        assert looks.at(sleeping()) is None
    assert looks.at(between) is None
    for _ in range(STILL_LOOKS - 1):
        assert looks.at(sleeping(between.cpu, between.switches)) is None


def test_looks_that_come_late_prove_nothing() -> None:
    looks = Looks(in_time=False)
    while (silence := looks.at(sleeping())) is None:
        pass
    assert silence is Silence.BUSY


def test_one_late_look_begins_it_anew() -> None:
    looks = Looks()
    for _ in range(STILL_LOOKS):
        assert looks.at(sleeping()) is None
    assert looks.at(sleeping(), in_time=False) is None
    for _ in range(STILL_LOOKS - 1):
        assert looks.at(sleeping()) is None


def test_whoever_looks_for_something_now_and_then_waits_for_it() -> None:
    looks = Looks()
    switches = 0
    while (silence := looks.at(sleeping(switches / 1000, switches))) is None:
        switches += 20
    assert silence is Silence.WAITS
    assert looks.count == MOSTLY_LOOKS


def test_whoever_is_often_awake_does_not_wait() -> None:
    looks = Looks()
    often = MOSTLY_LOOKS // MOSTLY_AWAKE - 2
    for number in range(5 * MOSTLY_LOOKS):
        made = sleeping(switches=number) if number % often else running(0.0, number)
        assert looks.at(made) is None


def test_a_process_that_cannot_be_found_is_not_waited_for_long() -> None:
    looks = Looks()
    for _ in range(UNSEEN_LOOKS - 1):
        assert looks.at(GONE) is None
    assert looks.at(GONE) is Silence.HIDES


def test_one_that_was_only_late_to_come_is_waited_for() -> None:
    looks = Looks()
    for _ in range(3):
        for _ in range(UNSEEN_LOOKS - 1):
            assert looks.at(GONE) is None
        assert looks.at(running(0.0)) is None


@pytest.mark.parametrize("seed", range(30))
def test_no_failure_is_ever_said_below_the_limit(seed: int) -> None:
    """Whatever the machine does meanwhile."""
    chance = random.Random(seed)
    looks = Looks(chance.choice([0.1, 1.0, 10.0]))
    cpu, switches = 3.0, 0
    silence = None
    while silence is None:
        cpu += chance.choice([0.0, 0.0, 0.01, 0.5])
        switches += chance.choice([0, 0, 3])
        asleep = chance.random() < 0.5
        figures = Figures(found=True, cpu=cpu, switches=switches, asleep=asleep)
        silence = looks.at(chance.choice([figures, figures, GONE]), in_time=chance.random() < 0.7)
    assert silence is not Silence.COMPUTES or cpu - 3.0 >= LIMIT
