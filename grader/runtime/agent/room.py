"""How the machine says that it has no room for one more process. Start at `refuses`."""

import errno

NO_ROOM = "more processes than this machine allows"
"""What a task announces in place of going on; the judge knows it by this text."""

NOT_CLOSED_OFF = "a process that could not be closed off from the machine"
"""The same, where a process was started but must not execute student code; followed by the reason."""

_ERRORS = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


def refuses(error: BaseException) -> bool:
    """Whether an error of `fork`, of a new thread or of a new descriptor is the machine's, not the program's."""
    if isinstance(error, OSError):
        return error.errno in _ERRORS
    return isinstance(error, MemoryError) or "can't start new thread" in str(error)
