"""Puts the controlled `multiprocessing` in place of the real one. Start at `install`.

`preload` imports everything that is to be replaced, once, in a template; `install` then only sets attributes, in a
process that has met no student code yet. Student code that imports afterwards, by whatever spelling, gets what is
controlled; what is known and not controlled announces itself when it is used (`uncontrolled`).
"""

import importlib

from grader.runtime.agent import (
    chance,
    clock,
    context,
    dates,
    desk,
    ending,
    executor,
    files,
    forking,
    managers,
    memory,
    output,
    pipes,
    pool,
    popen,
    queues,
    shm,
    synchronize,
    threadlocks,
    threads,
    uncontrolled,
    usage,
    waiting,
)

_MODULES = (
    *(
        "atexit",
        "ctypes",
        "linecache",
        "logging",
        "pickle",
        "queue",
        "random",
        "sched",
        "selectors",
        "tempfile",
        "traceback",
    ),
    *("multiprocessing.dummy", "multiprocessing.forkserver", "multiprocessing.heap", "multiprocessing.pool"),
    *("multiprocessing.sharedctypes", "multiprocessing.resource_tracker", "uuid"),
)
_installed = False


def preload() -> None:
    """Import what is to be replaced, and what nearly every program makes Python import."""
    for name in _MODULES:
        importlib.import_module(name)
    uncontrolled.preload()


def install() -> None:
    """Replace it all, once. Nothing can be put back."""
    global _installed
    if _installed:
        return
    _installed = True
    preload()
    for part in (
        forking,
        ending,
        synchronize,
        memory,
        queues,
        managers,
        shm,
        popen,
        waiting,
        clock,
        dates,
        usage,
        chance,
        threadlocks,
        threads,
        desk,
        pool,
        executor,
    ):
        part.install()
    uncontrolled.install()
    pipes.install()  # guards `os` functions that are replaced before
    files.install()  # likewise
    uncontrolled.refresh_paths()
    context.install()  # renews the public names, and therefore comes after what they stand for
    output.install()
    uncontrolled.install_in_c()  # comes last: what the modules in C have under the same names
