"""A root folder of its own for a runner in a namespace of mounts: what may be read, a scratch folder, nothing else.

Start at `build`. It is made as bubblewrap makes it: an empty file system becomes the root, so that what it covers
can be seen again, then the new tree is put together from the old one, and the old one is let go.
"""

import os
from collections.abc import Mapping
from typing import Any

from grader.runtime.agent import kernel

SHARED_MEMORY = "/dev/shm"
HOME = "/home/student"
"""What the environment of a submission calls its home; a folder with nothing in it.

Programs may look whether it is there."""
_BASE = "/tmp"
_OLD, _NEW, _LAST = "/old", "/new", "/new/.old"
_QUIET = kernel.MS_NOSUID | kernel.MS_NODEV
_TINY = "mode=755,size=1m,nr_inodes=4000"


def build(plan: Mapping[str, Any]) -> None:
    """Change into the new root.

    `plan` has `scratch`, `links`, `mounts`, `masked`, `devices`, and `room` (bytes) and `files` for the scratch
    folder and for shared memory, each. Raises OSError if the kernel does not allow it.
    """
    kernel.mount("", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", _BASE, "tmpfs", _QUIET, _TINY)
    os.mkdir(f"{_BASE}{_OLD}", 0o700)
    os.mkdir(f"{_BASE}{_NEW}", 0o755)
    kernel.change_root(_BASE, f"{_BASE}{_OLD}")
    kernel.mount(_NEW, _NEW, flags=kernel.MS_BIND)
    for path, target in plan["links"]:
        _make_link(path, target)
    for path in plan["mounts"]:
        _show(path)
        kernel.make_read_only(_NEW + path)
    for path in plan["masked"]:
        if os.path.isdir(_NEW + path):
            kernel.mount("tmpfs", _NEW + path, "tmpfs", _QUIET | kernel.MS_RDONLY, "mode=555,size=4k")
    for path in plan["devices"]:
        _show(path)
    _make_scratch(plan)
    for folder in ("/proc", HOME):
        os.makedirs(f"{_NEW}{folder}", exist_ok=True)
    kernel.mount("proc", f"{_NEW}/proc", "proc", _QUIET | kernel.MS_NOEXEC)
    os.mkdir(_LAST, 0o700)
    kernel.change_root(_NEW, _LAST)
    kernel.forget("/.old")
    os.rmdir("/.old")
    kernel.make_read_only("/", everything=False)


def _make_scratch(plan: Mapping[str, Any]) -> None:
    limits = f"size={plan['room']},nr_inodes={plan['files']}"
    for path, mode in ((plan["scratch"], "711"), (SHARED_MEMORY, "1777")):
        place = _NEW + path
        os.makedirs(place, exist_ok=True)
        kernel.mount("tmpfs", place, "tmpfs", _QUIET | kernel.MS_NOEXEC, f"mode={mode},{limits}")


def _make_link(path: str, target: str) -> None:
    place = _NEW + path
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if not os.path.lexists(place):
        os.symlink(target, place)


def _show(path: str) -> None:
    """Have a file or folder of the old root at the same path in the new one, with what is mounted in it."""
    source, place = _OLD + path, _NEW + path
    if not os.path.exists(source):
        return
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o444))
    kernel.mount(source, place, flags=kernel.MS_BIND | kernel.MS_REC)
