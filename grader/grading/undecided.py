"""Sentences about what cannot be judged, and why. Start at `blocked`."""

from grader.core.execution import Execution, OutcomeKind, Silence
from grader.errors import MachineError
from grader.grading import silence
from grader.runtime.blame import AGAIN

TOO_SLOW = f"this machine is too slow, or too busy, to judge this; {AGAIN}"
TAKES_LONG = "The program waits for so long in real time that the check did not end, so it cannot be judged."
COMPUTES = (
    "The program computes for so long by itself that the orders which have to be tried cannot be. The exercise needs "
    "microseconds."
)
BELOW_THE_FLOOR = (
    "No order that was tried fails, but shared objects are used so often that not even an interruption at each use "
    "could be tried. Use them less: do not read them again and again, and take the lock once and not many times."
)
STILL_GOING_ON = (
    "The program is still making progress after very many steps. Whether it ever ends cannot be told: "
    "try it with fewer rounds."
)
DIFFERENT_AGAIN = "A failing order was found, but the program did something else when it was run again."


def blocked(execution: Execution) -> str:
    """Why an execution that ended in something that is not controlled says nothing.

    Raises:
        MachineError: it did not get to run.
    """
    outcome = execution.outcome
    if outcome.silence is Silence.BUSY:
        raise MachineError(TOO_SLOW)
    if outcome.kind is OutcomeKind.SILENT:
        return silence.undecided(execution.labels.get(outcome.task, "The program"), outcome)
    if outcome.kind is OutcomeKind.UNCONTROLLED:
        return f"The program uses {outcome.detail}, which the grader cannot control, so it cannot be judged."
    return f"The program does not do the same again under the same conditions ({outcome.detail})."
