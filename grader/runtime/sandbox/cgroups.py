"""Where the judge may make cgroups for its runners. Start at `find`.

Only below the cgroup that the judge is in, and only if that is for us to divide: the root of a tree, as in a container
of its own or on a machine without a service manager, or one that was delegated to us. Another program that has made a
cgroup for us counts what is in it and may end it; it would not find what we have moved away (the rule of a single
writer). Whether the limits hold then, is found out by running into them (`grader.runtime.agent.cgroup_check`).

A cgroup of version 2 that holds processes gives its children no controllers. If the judge is the only one in it, it
moves to a leaf of its own; processes of others are never moved.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.runtime.agent.cgroup import Part

LEAF = "judge-of-grader-"
_CONTROLLERS = (Part.PIDS, Part.MEMORY)
_DELEGATED = ("user.delegate", "trusted.delegate")
_FOREIGN = "the cgroup belongs to whoever has started the grader"
_SHARED = "other processes are in the same cgroup"
_NONE = "no tree of cgroups has it"
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Subtree(msgspec.Struct, frozen=True):
    """A folder in which cgroups can be made, of which version of cgroups it is, and what to try there."""

    folder: str
    version: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Where cgroups can be made, and why there is no more, in words."""

    subtrees: tuple[Subtree, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tree:
    """A mounted tree: its version, its controllers if it is of version 1, where this process is in it."""

    version: int
    controllers: tuple[str, ...]
    folder: Path
    at_root: bool


def find(proc: Path = Path("/proc/self")) -> Found:
    """Look, and prepare what is ours: the judge itself may move to a leaf."""
    subtrees: list[Subtree] = []
    lacking: dict[Part, str] = dict.fromkeys(Part, _NONE)
    for tree in _trees(proc):
        wanted = _wanted(tree)
        base = _to_divide(tree)
        if base is None:
            lacking |= dict.fromkeys(wanted, _FOREIGN)
            continue
        refused = _enable(base, tree.folder, wanted) if tree.version > 1 else {}
        lacking |= refused
        parts = tuple(part for part in wanted if part not in refused)
        if parts:
            subtrees.append(Subtree(str(base), tree.version, parts))
    had = {part for subtree in subtrees for part in subtree.parts}
    return Found(
        tuple(subtrees), tuple(f"{part.value}: {why}" for part, why in lacking.items() if part not in had)
    )


def _trees(proc: Path) -> Iterator[_Tree]:
    """The trees that this process is in and that can be seen from here, each once."""
    try:
        lines = (proc / "cgroup").read_text("utf-8").splitlines()
        mounts = (proc / "mountinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    own = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    seen: set[tuple[str, ...]] = set()
    for root, place, kind, options in map(_mount, mounts):
        controllers = () if kind == "cgroup2" else tuple(set(options) & {part.value for part in _CONTROLLERS})
        if kind not in ("cgroup", "cgroup2") or (kind == "cgroup" and not controllers) or controllers in seen:
            continue
        for number, names, path in own:
            mine = (
                number == "0" and not names if kind == "cgroup2" else set(controllers) & set(names.split(","))
            )
            inner = os.path.relpath(path, root)
            if mine and not inner.startswith(".."):
                seen.add(controllers)
                yield _Tree(2 if kind == "cgroup2" else 1, controllers, Path(place, inner), inner == ".")


def _mount(line: str) -> tuple[str, str, str, tuple[str, ...]]:
    """Root, place, type and options of a line of proc_pid_mountinfo(5)."""
    fields, _, rest = line.partition(" - ")
    words, last = fields.split(), rest.split()
    if len(words) < 5 or len(last) < 3:
        return "", "", "", ()
    root, place = (_ESCAPE.sub(lambda found: chr(int(found[1], 8)), word) for word in words[3:5])
    return root, place, last[0], tuple(last[2].split(","))


def _wanted(tree: _Tree) -> tuple[Part, ...]:
    if tree.version == 1:
        return tuple(Part(name) for name in tree.controllers)
    with contextlib.suppress(OSError):
        there = (tree.folder / "cgroup.controllers").read_text("ascii").split()
        return (*(part for part in _CONTROLLERS if part.value in there), Part.KILL)
    return (Part.KILL,)


def _to_divide(tree: _Tree) -> Path | None:
    """The folder in which we may make others, None if that is not for us to do."""
    folder = tree.folder.parent if tree.folder.name.startswith(LEAF) else tree.folder
    try:
        owner = folder.stat().st_uid
        ours = owner == os.geteuid() != 0 or folder != tree.folder
        return (
            folder if (ours or tree.at_root or _is_delegated(folder)) and os.access(folder, os.W_OK) else None
        )
    except OSError:
        return None


def _is_delegated(folder: Path) -> bool:
    """What systemd.resource-control(5) says of `Delegate=`."""
    for name in _DELEGATED:
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _enable(base: Path, own: Path, wanted: tuple[Part, ...]) -> dict[Part, str]:
    """Have the controllers in the children of `base`; why not, where that cannot be."""
    refused = {}
    for part in wanted:
        problem = "" if part is Part.KILL else _enable_one(base, own, part)
        if problem:
            refused[part] = problem
    return refused


def _enable_one(base: Path, own: Path, part: Part) -> str:
    control, word = base / "cgroup.subtree_control", f"+{part.value}"
    try:
        if part.value in control.read_text("ascii").split() or _allowed(control, word):
            return ""
        if own != base or (base / "cgroup.procs").read_text("ascii").split() != [str(os.getpid())]:
            return _SHARED
        _move_to_leaf(base)
        _write(control, word)
    except OSError as error:
        return str(error.strerror)
    return ""


def _allowed(control: Path, word: str) -> bool:
    """Whether the controller can be had as it is: not if the cgroup itself holds processes."""
    try:
        _write(control, word)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def _move_to_leaf(base: Path) -> None:
    for old in base.glob(f"{LEAF}*"):
        with contextlib.suppress(OSError):
            old.rmdir()
    leaf = base / f"{LEAF}{os.getpid()}"
    leaf.mkdir(0o755)
    _write(leaf / "cgroup.procs", "0")


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)
