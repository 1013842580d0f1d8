"""Programs of five to seven tasks with a few operations each, at random, against a count of their classes.

    python -m tests.properties.many_tasks --programs 2000 --seed 1

Two or three tasks hardly show whether a search forgets an order: what one race does not plan, another one does.
`test_many_tasks.py` has a few of these programs in the suite. Start at `judge`.
"""

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from grader.core.execution import Budget, StopReason
from tests.exploring import run_all
from tests.oracle import Oracle, TooManyStatesError
from tests.programs import Branch, Child, Pick, ProgramMaker, ProgramText, Text
from tests.unfolding import (
    MisjudgedError,
    TooManyClassesError,
    count_classes,
    exits_matter,
    with_what_is_used,
)

MIXES = (
    ("cells",),
    ("cells",),
    ("cells",),
    ("cells", "lock"),
    ("cells", "semaphore"),
    ("cells", "bounded", "rlock"),
    ("cells", "condition"),
    ("condition", "event"),
    ("cells", "ordered"),
    ("cells", "event"),
    ("cells", "queue"),
    ("joinable", "simple"),
    ("cells", "managed"),
    ("cells", "referent", "lock"),
    ("manager", "referent", "managed"),
    ("cells", "pipe"),
    ("cells", "one_way"),
    ("cells", "pool"),
    ("cells", "other"),
    ("cells", "other", "lock"),
    ("cells", "child", "semaphore"),
    ("child", "other", "queue"),
    ("cells", "thread", "lock"),
    ("one_way", "other", "child"),
    ("cells", "lock", "semaphore", "event", "queue"),
)
TASKS = (5, 6, 7)
MOST_OPERATIONS = 12
"""In all tasks together, those that only happen after some result included."""
MOST_CONFIGURATIONS = 6_000
"""A program with more of them, or more states, is left out."""


class Judgement(Enum):
    """What came of the comparison for one program."""

    AGREES = "agree"
    DIFFERS = "DIFFER"
    TOO_LARGE = "too large"


class Judged(NamedTuple):
    """A program, and on it the number of classes that there are and that the engine made."""

    judgement: Judgement
    classes: int = 0
    made: int = 0
    details: str = ""


def program(pick: Pick, families: Sequence[str], tasks: Sequence[int] = TASKS) -> ProgramText:
    """Some tasks that do little each."""
    maker = ProgramMaker(pick, families)
    drawn = maker.program(tasks=tasks, length=(0,))
    palette = [pick(families) for _ in range(pick((1, 2, 3)))]
    texts: list[Text] = []
    left = MOST_OPERATIONS
    for waiting in reversed(range(len(drawn.texts))):
        text = maker.text(palette, 1, pick((0, 0, 0, 1)))
        while size(text) > left - waiting:
            text = text[:-1]
        texts.append(text)
        left -= size(text)
    return with_what_is_used(drawn._replace(texts=tuple(texts)))


def size(text: Text) -> int:
    """The operations in a text."""
    return sum(
        max(size(part.then), size(part.otherwise))
        if isinstance(part, Branch)
        else 2 + size(part.text)
        if isinstance(part, Child)
        else 1
        for part in text
    )


def judge(drawn: ProgramText, at_most: int = MOST_CONFIGURATIONS) -> Judged:
    """Explore a program of at most so many configurations, and compare with what there is to find."""
    oracle = Oracle(drawn.objects, drawn.scripts(), most_states=at_most)
    try:
        there = count_classes(oracle, at_most, exits_matter=exits_matter(drawn))
    except (TooManyStatesError, TooManyClassesError):
        return Judged(Judgement.TOO_LARGE)
    except MisjudgedError as error:
        return Judged(Judgement.DIFFERS, details=f"called independent: {error}")
    budget = Budget(executions=2 * there.number + 10, seconds=math.inf, steps=2_000)
    explored = run_all(drawn.objects, drawn.scripts(), budget=budget, tasks=oracle.tasks)
    made, total = explored.endings, explored.total
    details = (
        f"{len(there.endings - made)} endings missed, {len(made - there.endings)} too many, "
        f"{total.pruned} pruned, {total.stopped.value}"
    )
    right = made == there.endings and total.traces == there.number and total.pruned == 0
    agrees = right and total.stopped is StopReason.EXHAUSTED
    judgement = Judgement.AGREES if agrees else Judgement.DIFFERS
    return Judged(judgement, there.number, total.traces, details)


def by_seed(seed: int) -> tuple[Sequence[str], ProgramText]:
    """The program of a seed, and the families that it was made of."""
    chance = random.Random(seed)
    families = chance.choice(MIXES)
    return families, program(chance.choice, families)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge programs of consecutive seeds; the exit status is 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first program; the others follow")
    asked = parser.parse_args(arguments)
    counted: Counter[Judgement] = Counter()
    for seed in range(asked.seed, asked.seed + asked.programs):
        families, drawn = by_seed(seed)
        judged = judge(drawn)
        counted[judged.judgement] += 1
        if judged.judgement is Judgement.DIFFERS:
            print(f"seed {seed}, {len(drawn.texts)} tasks, {'+'.join(families)}:", end=" ")
            print(f"{judged.classes} classes, {judged.made} made; {judged.details}", flush=True)
    print(", ".join(f"{number} {judgement.value}" for judgement, number in counted.items()))
    return int(Judgement.DIFFERS in counted)


if __name__ == "__main__":
    sys.exit(main())
