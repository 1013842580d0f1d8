"""Random programs that wait by trying again, against every interleaving: a command, as it takes its time.

    python -m tests.properties.waiting --programs 10000 --seed 1

Start at `examine`. Of each program all interleavings within a bound of one or two failures are made (`tests.rounds`),
and compared with what the search finds within that bound: it must lose no outcome, make each class of interleavings
once, and give up no execution as redundant. Then the search with all its levels and bursts runs, and what it claims to
have covered is compared, too. Programs with more than 100,000 interleavings are left out, and counted.
"""

import argparse
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from grader.core.execution import Budget, Claim, OutcomeKind, StopReason
from grader.core.operations import ObjectId
from grader.engine.scripted import Script
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.tasks import TaskTable
from grader.engine.waits import Bounds
from tests.exploring import give_up_cycles_early, run_all
from tests.oracle import TooManyStatesError
from tests.programs import objects
from tests.retrying import Plan, retrying, script
from tests.rounds import BoundedOracle

MOST_INTERLEAVINGS = 100_000
MOST_STATES = 2_500
ENOUGH = Budget(executions=3_000, seconds=math.inf, steps=2_000)
LEVELS = Budget(executions=300, seconds=math.inf, steps=2_000)


class Found(NamedTuple):
    """What became of one program. `left_out` says why nothing is known, `faults` what is wrong."""

    left_out: str = ""
    faults: tuple[str, ...] = ()
    interleavings: int = 0
    classes: int = 0
    claim: str = ""


class Program(NamedTuple):
    """Plans on objects of every kind."""

    plans: tuple[Plan, ...]

    def objects(self) -> dict[ObjectId, Any]:
        """The objects at the start."""
        return objects(holders=len(self.plans))

    def scripts(self) -> list[Script]:
        """A script for each plan."""
        return [script(plan) for plan in self.plans]

    def truth(self, bound: int | None, tasks: TaskTable | None = None) -> BoundedOracle | None:
        """All its interleavings within a bound; None if they are too many."""
        oracle = BoundedOracle(self.objects(), self.scripts(), bound, most_states=MOST_STATES, tasks=tasks)
        try:
            return oracle if oracle.count_interleavings() <= MOST_INTERLEAVINGS else None
        except (TooManyStatesError, RecursionError):
            return None


def examine(plans: tuple[Plan, ...], bound: int, *, claims: bool = True) -> Found:
    """Compare what the search makes of a program with the truth."""
    program = Program(plans)
    oracle = program.truth(bound)
    if oracle is None:
        return Found("too many interleavings")
    strategy = Dpor(Bounds(bound))
    explored = run_all(program.objects(), program.scripts(), strategy, ENOUGH, oracle.tasks)
    if explored.total.stopped is not StopReason.EXHAUSTED:
        limit = OutcomeKind.STEP_LIMIT in explored.kinds
        return Found("goes on and on beyond the bound" if limit else "too many executions")
    faults = []
    if explored.total.pruned:
        faults.append(f"{explored.total.pruned} executions are given up")
    executions = [one for one in explored.executions if one.outcome.kind is not OutcomeKind.PRUNED]
    try:
        lost = oracle.endings() - {oracle.end_of(execution) for execution in executions}
    except AssertionError as difference:
        return Found(faults=(str(difference),))
    classes = oracle.count_classes()
    if lost:
        faults.append(f"{len(lost)} outcomes are lost")
    if classes != len(executions):
        faults.append(f"{len(executions)} executions of {classes} classes")
    claim, wrong = _levels(program) if claims else ("", [])
    return Found("", (*faults, *wrong), oracle.count_interleavings(), classes, claim)


def _levels(program: Program) -> tuple[str, list[str]]:
    """What the search with all its levels claims, and what of that is not so."""
    strategy = BoundedWaits(LEVELS.executions)
    explored = run_all(program.objects(), program.scripts(), strategy, LEVELS)
    claim = explored.total.covered
    if claim is None:
        return "nothing", []
    name = "all" if claim.waits is None else str(claim.waits)
    truth = _of_claim(program, claim, explored.tasks)
    if truth is None:
        return f"{name} (not compared)", []
    found = set()
    for execution in explored.executions:
        state = truth.reached(execution)
        if not state.next:
            found.add(state.ending)
    # Where only the bound keeps everybody waiting is no outcome, and a place with a higher bound goes on from there.
    lost = len(truth.outcomes() - found)
    return name, [f"claims {name}, and {lost} outcomes are lost"] if lost else []


def _of_claim(program: Program, claim: Claim, tasks: TaskTable) -> BoundedOracle | None:
    if claim.waits != 0:
        return program.truth(claim.waits, tasks)
    first = program.truth(1, tasks)
    if first is None:
        return None
    return BoundedOracle(program.objects(), program.scripts(), 0, first.rounds(), tasks=tasks)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.properties.waiting", description=__doc__)
    parser.add_argument("--programs", type=int, default=1_000, help="how many are compared")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--large", type=int, default=20, help="one in so many has three tasks with two waits each"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many seconds")
    parser.add_argument("--no-claims", action="store_true", help="do not compare what the levels claim")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Compare as many programs as asked for; the exit status is 1 if something is wrong."""
    options = _arguments(given)
    give_up_cycles_early()
    started = time.monotonic()
    left_out: Counter[str] = Counter()
    claims: Counter[str] = Counter()
    compared = large = wrong = interleavings = classes = number = 0
    while compared < options.programs and time.monotonic() - started < options.seconds:
        pick = random.Random(f"{options.seed} {number}").choice
        is_large = number % options.large == 0
        plans = retrying(pick, 3, 2) if is_large else retrying(pick)
        found = examine(plans, pick((1, 2)), claims=not options.no_claims)
        number += 1
        if found.left_out:
            left_out[found.left_out] += 1
            continue
        compared, large = compared + 1, large + is_large
        interleavings, classes = interleavings + found.interleavings, classes + found.classes
        claims[found.claim] += 1
        if found.faults:
            wrong += 1
            print(f"program {number - 1} of seed {options.seed}: {'; '.join(found.faults)}", flush=True)
    print(f"{compared} programs compared, {wrong} of them wrong; {large} with three tasks and two waits each")
    print(f"{interleavings} interleavings in {classes} classes; claims: {dict(claims)}")
    print(f"left out: {dict(left_out)}; {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
