"""What the machine has to allow the judge itself: open files, memory, a folder for temporary files, processes.

Start at `open_files`. A limit that is too low is for the user to lift, so it is one clear line, and never a verdict
about a submission.
"""

import resource
import tempfile

from grader.errors import MachineError, UsageError
from grader.runtime import blame

NEEDED_FILES = 256
"""Every process of a submission has its channel at the descriptor `agent.channel.DESCRIPTOR`, which is below."""
WANTED_FILES = 1024

NEEDED_SPACE = 2 * 2**30
"""Bytes of addresses for each process: twice as many as all of a submission may fill."""


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


def addresses() -> None:
    """See that processes may have as much memory as a submission is promised.

    Raises:
        UsageError: the limit is too low.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < NEEDED_SPACE:
        raise UsageError(
            f"a process may have only {allowed >> 20} MB of memory here, the grader needs {NEEDED_SPACE >> 20}; "
            "raise the limit (`ulimit -v`)"
        )


def temporary_folder() -> str:
    """Where temporary files go.

    Raises:
        MachineError: nothing can be written anywhere.
    """
    try:
        return tempfile.gettempdir()
    except OSError as error:
        raise MachineError(
            "this machine has no folder for temporary files that can be written to; make room, or name one in TMPDIR"
        ) from error


def no_process() -> MachineError:
    """There is not even room for the grader's own processes."""
    return MachineError(blame.NO_PROCESS)
