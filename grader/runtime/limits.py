"""What the machine has to allow the judge itself: open files and processes.

Start at `open_files`. A limit that is too low is for the user to lift, so it is one clear line, and never a verdict
about a submission.
"""

import resource

from grader.errors import UsageError
from grader.runtime.agent.room import NO_ROOM

NEEDED_FILES = 256
"""Every process of a submission has its channel at the descriptor `agent.channel.DESCRIPTOR`, which is below."""
WANTED_FILES = 1024

NO_PROCESS = f"The grader and the program need {NO_ROOM}. See `ulimit -u`, or the limit of the container, and raise it."
"""One sentence for whoever has set the limit."""


def open_files() -> None:
    """Raise this process's own limit of open files as far as it may and needs to.

    Raises:
        UsageError: the hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if wanted < NEEDED_FILES:
        raise UsageError(
            f"a process may have only {wanted} files open here, the grader needs {NEEDED_FILES}; "
            f"raise the limit (`ulimit -n {WANTED_FILES}`)"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def no_process() -> UsageError:
    """There is not even room for the grader's own processes."""
    return UsageError(NO_PROCESS)
