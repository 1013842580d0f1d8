"""What a submission must not even try, because it reaches out of the grading. Start at `is_forbidden`.

The agent announces a call that is not controlled by its name. Most of them only cannot be judged; these lead to other
programs, to the network, or to files that are not the submission's. The agent stops them before they happen; it is no
sandbox, and a submission that gets round it is stopped elsewhere.
"""

_PREFIXES = (
    *("subprocess.", "pty.", "socket.", "sqlite3."),
    *("os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn", "os.killpg"),
    *(
        "os.rename",
        "os.replace",
        "os.link",
        "os.symlink",
        "os.remove",
        "os.unlink",
        "os.rmdir",
        "os.truncate",
    ),
    *("multiprocessing.connection.Client", "multiprocessing.connection.Listener"),
)


def is_forbidden(call: str) -> bool:
    """Whether a call, by the name under which the agent announces it, is forbidden and not just not controlled."""
    return call.startswith(_PREFIXES)


def message(who: str, call: str) -> str:
    """What is said about it."""
    return f"{who} uses {call}, which is not allowed while a program is graded."
