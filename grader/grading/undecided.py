"""Sentences about what cannot be judged, and why. Start at `blocked`."""

from grader.core.execution import Execution, OutcomeKind
from grader.grading import silence
from grader.runtime.agent.room import NO_ROOM
from grader.runtime.limits import NO_PROCESS

TOO_SLOW = "this machine is too slow, or too busy, to judge this; nothing is graded, try it again"
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
    """Why an execution that ended in something that is not controlled says nothing."""
    outcome = execution.outcome
    if outcome.detail == NO_ROOM:
        return NO_PROCESS
    if outcome.kind is OutcomeKind.SILENT:
        return silence.undecided(execution.labels.get(outcome.task, "The program"), outcome)
    if outcome.kind is OutcomeKind.UNCONTROLLED:
        return f"The program uses {outcome.detail}, which the grader cannot control, so it cannot be judged."
    return f"The program does not do the same again under the same conditions ({outcome.detail})."
