"""Numbers that a submission names and that checks try, too. Start at `picked`.

Inputs of a fixed table are easily left out by a program that knows it, and mistakes often begin at a number that stands
in the source. Tools that make inputs for tests do the same with the constants of a program.
"""

import random

from grader.runtime.agent.constants import whole_numbers


def picked(source: str, low: int, high: int, most: int, seed: int) -> list[int]:
    """At most so many numbers from `low` to `high` that are named, or come next to one; drawn, if there are more."""
    named = whole_numbers(source)
    near = sorted({number for one in named for number in (one, one + 1, -one) if low <= number <= high})
    return near if len(near) <= most else sorted(random.Random(seed).sample(near, most))
