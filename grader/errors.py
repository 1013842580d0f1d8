"""The exit statuses of a command, and the exceptions that end one: the user's mistake, the machine's fault, and ours.

What a student's program did is neither: that is data (`grader.core.verdict`). Nothing of ours is imported
here, so every layer may raise them.
"""

import enum


class ExitStatus(enum.IntEnum):
    """How a command ended, for the shell: the last two as the shell has them for SIGINT and SIGPIPE."""

    PASSED = 0
    NOT_PASSED = 1
    USAGE = 2
    INTERNAL = 3
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class UsageError(Exception):
    """The person at the command line asked for something that cannot be done: `ExitStatus.USAGE`.

    The message is one line that says what is wrong and what to do about it.
    """


class InternalError(Exception):
    """The grader itself has failed: `ExitStatus.INTERNAL`.

    `replay` is the token of the schedule that was running, where there is one: with it the failure can be had
    again.
    """

    def __init__(self, message: str, *, replay: str = "") -> None:
        super().__init__(message)
        self.replay = replay


class MachineError(InternalError):
    """This machine did not let the grader do its work: nobody's mistake, and to be tried again.

    The message is a sentence that begins with "this machine".
    """
