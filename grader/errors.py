"""The two exceptions that end a command: the user's mistake, and ours.

What a student's program did is neither: that is data (`grader.core.verdict`). Nothing is imported here, so every
layer may raise them.
"""


class UsageError(Exception):
    """The person at the command line asked for something that cannot be done. Exit status 2.

    The message is one line that says what is wrong and what to do about it.
    """


class InternalError(Exception):
    """The grader itself has failed. Exit status 3.

    `replay` is the token of the schedule that was running, where there is one: with it the failure can be had
    again.
    """

    def __init__(self, message: str, *, replay: str = "") -> None:
        super().__init__(message)
        self.replay = replay
