"""How the machine says that it has no room: for one more process (`refuses`), or in shared memory (`shared_memory`)."""

import errno
import os
import stat
import sys

NO_ROOM = "more processes than this machine allows"
"""What a task announces in place of going on; the judge knows it by this text."""

NOT_CLOSED_OFF = "a process that could not be closed off from the machine"
"""The same, where a process was started but must not execute student code; followed by the reason."""


def is_refusal(text: str) -> bool:
    """Whether a task announces that it cannot go on because of the machine. That is a claim, to be looked into."""
    return text == NO_ROOM or text.startswith(NOT_CLOSED_OFF)


BROKEN = 70
"""The exit status of a process of ours that has failed by itself."""

_ERRORS = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


def refuses(error: BaseException) -> bool:
    """Whether an error of `fork`, of a new thread or of a new descriptor is the machine's, not the program's."""
    if isinstance(error, OSError):
        return error.errno in _ERRORS
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)


SHARED_MEMORY = "/dev/shm"
_LEAST_SHARED = 4 * 2**20


def shared_memory(user: int) -> str:
    """Why this user cannot use `multiprocessing` here, in words; empty if nothing is in the way.

    Semaphores are files there (sem_overview(7)); on other systems than Linux there is no such folder.
    """
    if sys.platform != "linux":
        return ""
    try:
        found, system = os.stat(SHARED_MEMORY), os.statvfs(SHARED_MEMORY)
    except OSError as error:
        return f"{SHARED_MEMORY}: {error.strerror}"
    may_write = user in (0, found.st_uid) or bool(found.st_mode & stat.S_IWOTH)
    if system.f_flag & os.ST_RDONLY or not may_write:
        return f"nothing can be made in {SHARED_MEMORY}"
    free = system.f_bavail * system.f_frsize
    if free < _LEAST_SHARED:
        return f"only {free >> 10} KB are free in {SHARED_MEMORY}, {_LEAST_SHARED >> 10} are needed"
    return ""
