"""Plays made-up sessions until so many steps were made, and says what has failed.

    python -m tests.properties.sessions --steps 1000000 --seed 1

Start at `play`: one program, under one strategy, up to the grade in every format. Nothing may raise an exception, and
the same schedule has to give the same trace again.
"""

import argparse
import io
import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence

from grader.core.execution import Budget, Execution, OutcomeKind
from grader.engine import fairness
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.between import Between
from grader.engine.strategies.brute_force import BruteForce
from grader.engine.strategies.bursts import Contrary, OneByOne
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.extremes import Extremes
from grader.engine.strategies.in_turn import InTurn
from grader.engine.strategies.interrupted import Interrupted
from grader.engine.strategies.random_walk import PCT, RandomWalk
from grader.engine.strategies.waits import BoundedWaits
from grader.report import html, json_report, terminal, text, view
from tests.sessions import HOSTILE, Played, examined, played_again

EXECUTIONS = 40
WRITTEN = 0.2
"""The part of all grades that is written in every format, which costs as much as many steps."""
BUDGET = Budget(executions=EXECUTIONS, seconds=1e9, steps=300)
STRATEGIES: tuple[Callable[[], Sequence[Strategy]], ...] = (
    lambda: [BoundedWaits(EXECUTIONS)],
    lambda: [BoundedWaits(EXECUTIONS)],
    lambda: [Dpor()],
    lambda: [BruteForce()],
    lambda: [BruteForce(1)],
    lambda: [Extremes(10), Interrupted(20), PCT(7, 10)],
    lambda: [OneByOne(), Contrary(), RandomWalk(7, 10)],
    lambda: [Between(6, 2_000), InTurn()],
)
_NO_REPLAY = (OutcomeKind.PRUNED, OutcomeKind.DIVERGED, OutcomeKind.LIVELOCK)


class SurpriseError(AssertionError):
    """The same schedule did not give the same trace."""


def play(seed: str) -> int:
    """Play the session of this seed; how many steps it made."""
    drawn = random.Random(f"strategy {seed}")
    strategies = drawn.choice(STRATEGIES)
    hostile = drawn.choice((0.0, 0.0, HOSTILE))
    seen = examined(seed, strategies, BUDGET, hostile)
    if drawn.random() < WRITTEN:
        _written(seen)
    again = [one for one in seen.executions if one.outcome.kind not in _NO_REPLAY]
    for execution in drawn.sample(again, min(2, len(again))):
        now = played_again(seed, execution, hostile)
        if now is not None:
            _same(execution, now)
    return seen.steps


def _written(seen: Played) -> None:
    """The grade in every format."""
    shown = view.of_grade(seen.grade)
    text.Printer(terminal.console(io.StringIO(), 80)).grade(shown)
    html.of_grade(shown).encode("utf-8")
    document = io.StringIO()
    json_report.write([json_report.of_grade(seen.grade)], document)
    json.loads(document.getvalue())


def _same(before: Execution, now: Execution) -> None:
    if before.trace != now.trace or before.outcome != now.outcome or before.objects != now.objects:
        raise SurpriseError(
            f"{before.outcome} after {len(before.trace)} steps, {now.outcome} after {len(now.trace)}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Play sessions, one seed after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties.sessions")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="play just this one, and show what it raises")
    wanted = parser.parse_args(argv)
    fairness.REPETITIONS = fairness.FEWEST_REPETITIONS = 12
    if wanted.only is not None:
        print(play(wanted.only), "steps")
        return 0
    steps = number = 0
    failed: Counter[str] = Counter()
    while steps < wanted.steps:
        seed, number = f"{wanted.seed}.{number}", number + 1
        try:
            steps += play(seed)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} in {where.filename}:{where.lineno}"
            failed[kind] += 1
            if failed[kind] == 1:
                print(f"seed {seed}: {kind}: {str(error)[:200]}", flush=True)
        if number % 500 == 0:
            print(f"{steps} steps, {number} sessions, {time.process_time():.0f} s", flush=True)
    print(
        f"{steps} steps in {number} sessions, {time.process_time():.0f} s of CPU; failed: {sum(failed.values())}"
    )
    for kind, times in failed.most_common():
        print(f"  {times} of {kind}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
