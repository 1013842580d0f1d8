"""With many tasks the search still makes every class of interleavings once. `many_tasks.py` tries many more."""

import random

import pytest

from tests.oracle import Oracle, by_dependence, classes_by_swapping
from tests.programs import ProgramMaker
from tests.properties.many_tasks import MIXES, Judged, Judgement, judge, program
from tests.unfolding import count_classes, exits_matter, with_what_is_used

FORGOT = (129, 143, 195, 382, 477)
"""Seeds of programs in which a search that looks at the races of new steps only forgets some classes."""


def judged(seed: int, families: tuple[str, ...], tasks: int, at_most: int) -> Judged:
    return judge(program(random.Random(seed).choice, families, (tasks,)), at_most)


@pytest.mark.parametrize("seed", FORGOT)
def test_what_is_planned_for_an_old_race_follows_the_whole_trace(seed: int) -> None:
    found = judged(seed, ("cells",), 7, 6_000)
    assert found.judgement is Judgement.AGREES, found


@pytest.mark.parametrize("families", dict.fromkeys(MIXES), ids="+".join)
def test_every_class_of_five_tasks_is_executed_once(families: tuple[str, ...]) -> None:
    found = [judged(seed, families, 5, 800) for seed in range(4)]
    assert not [one for one in found if one.judgement is Judgement.DIFFERS]
    assert any(one.judgement is Judgement.AGREES for one in found)


def test_configurations_and_swapping_count_the_same_classes() -> None:
    """The two ways of counting share `in_order` alone."""
    compared = 0
    for seed in range(40):
        chance = random.Random(seed)
        maker = ProgramMaker(chance.choice, ("cells", "lock", "queue"))
        drawn = with_what_is_used(maker.program(tasks=(3,), length=(1,)))
        oracle = Oracle(drawn.objects, drawn.scripts())
        if oracle.count_interleavings() > 300:
            continue
        counted = count_classes(oracle, exits_matter=exits_matter(drawn))
        assert counted.number == classes_by_swapping(oracle, by_dependence)
        assert counted.endings == oracle.endings()
        compared += 1
    assert compared >= 10
