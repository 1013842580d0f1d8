"""Sentences about a process that announces nothing: it computes, waits for something outside, or does not get to run.

Start at `hang` (what is wrong for certain) and `undecided` (what cannot be judged).
"""

from grader.core.execution import Outcome, Silence
from grader.runtime import allowance


def hang(label: str, outcome: Outcome) -> str:
    """What to say of a process, shown as `label`, that has used up what it may compute by itself in a check."""
    where = f" in line {outcome.line}" if outcome.line else ""
    usual = allowance.CHECK_SECONDS
    if outcome.seconds < usual:
        return f"{label} computes{where} without coming to an end, as it has done for {usual:g} s before."
    return f"{label} computes for {outcome.seconds:g} s{where}, and goes on; the exercise needs microseconds."


def undecided(label: str, outcome: Outcome) -> str:
    """What to say where the silence of a process, shown as `label`, proves nothing."""
    line = f" in line {outcome.line}" if outcome.line else ""
    if outcome.silence is Silence.COMPUTES:
        return (
            f"{label} computes for more than {outcome.seconds:g} s by itself{line}. Whether it ever comes to an end "
            "cannot be told. `grader explore --cpu SECONDS` allows it more."
        )
    if outcome.silence is Silence.WAITS:
        return (
            f"{label} waits{line} for something outside of the program, which the grader cannot control, "
            "so it cannot be judged."
        )
    if outcome.silence is Silence.HIDES:
        return f"{label} has taken away the grader's connection to it{line}, so it cannot be judged."
    if outcome.silence is Silence.ENDED:
        return (
            "The program was ended, by itself or from outside, which cannot be told, so it cannot be judged."
        )
    if outcome.silence is Silence.REFUSED:
        return f"{label} gets no more processes{line}, though this machine has room for them, so it cannot be judged."
    return f"{label} has done nothing for minutes{line}, and it cannot be told why, so it cannot be judged."
