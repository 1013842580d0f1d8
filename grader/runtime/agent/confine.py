"""Closes a runner off from the machine, and what runs below it from the runner. Start at `Confinement`.

The runner, which executes no student code, applies what its whole tree of processes shares: namespaces and mounts, a
scratch folder. Every process that is about to execute student code gives up identity and capabilities (`drop`) and
enters a Landlock domain and a seccomp filter (`enter`) that the runner stays out of, so that it cannot be signalled,
traced or starved from below. All of it is inherited, and for good.

What to apply is the judge's plan (`grader.runtime.sandbox.plan`). If a part of it cannot be had, that is told
(`Failed`), and nothing goes on without it.
"""

import binascii
import contextlib
import os
import signal
import struct
import tempfile
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from grader.runtime.agent import cgroup, cgroup_check, kernel, leftovers, newroot, reaper
from grader.runtime.agent.kernel import Access
from grader.runtime.agent.watchdog import Watchdog

SHARED_MEMORY = newroot.SHARED_MEMORY
_NAMESPACES = kernel.NEW_MOUNTS | kernel.NEW_PIDS | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS
_READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
_DEVICE = Access.READ_FILE | Access.WRITE_FILE
_ALL = Access((1 << len(Access)) - 1)
_SCRATCH = _ALL & ~(Access.EXECUTE | Access.MAKE_CHAR | Access.MAKE_BLOCK | Access.IOCTL_DEV)
_SHARED = Access.READ_FILE | Access.WRITE_FILE | Access.MAKE_REG | Access.REMOVE_FILE | Access.TRUNCATE
_NOT_CAUGHT = (signal.SIGKILL, signal.SIGSTOP)
_fork, _leave = os.fork, os._exit


class Failed(Exception):
    """A part of the plan cannot be had here."""


class Confinement:
    """What is applied to one runner and to what runs below it. With an empty plan, nothing is."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._bounds = plan
        self._plan = plan if plan.get("scratch") else {}
        self._folder: leftovers.Scratch | None = None
        self._names: leftovers.SharedNames | None = None
        self._namespaces = bool(plan.get("namespaces"))
        self._ruleset: kernel.Ruleset | None = None
        self._filter: kernel.Filter | None = None
        self._group: cgroup.Group | None = None
        self.held: Mapping[str, Any] = {}
        """What was tried of cgroups: `held`, the trees with the parts that hold, and `lacking`, why others do not."""
        self.uid = int(plan.get("uid", 0))
        """The user that student code runs as; 0: the one that the judge runs as."""
        self.scratch = ""
        """The one folder that student code may write to; empty if nothing is closed off."""

    def watchdog(self) -> Watchdog:
        """What keeps the sums in bounds."""
        return Watchdog(self._bounds, self.scratch, self.uid or os.geteuid(), self._names, self._group)

    def apply(self) -> None:
        """Do the runner's part. It may return in another process, which has taken this one's place.

        Raises:
            Failed: something cannot be had here.
        """
        if not self._namespaces and not self.uid:
            self._names = leftovers.SharedNames()
        if not self._plan:
            return
        try:
            self._make_group()
            if self._namespaces:
                self._leave_the_machine()
            else:
                self._folder = leftovers.Scratch(str(self._plan["scratch"]))
                self.scratch = self._folder.path
            self._furnish()
            kernel.gain_nothing()
            self._prepare()
        except (OSError, ValueError, AttributeError) as error:
            raise Failed(str(error)) from error

    def _make_group(self) -> None:
        """While cgroups can be reached; the first time only those parts that hold."""
        plan = self._plan
        if plan.get("cgroup") and plan.get("verify"):
            held, lacking = cgroup_check.holding(plan)
            self.held = {"held": held, "lacking": lacking}
            plan = {**plan, "cgroup": held}
        if plan.get("cgroup"):
            self._group = cgroup.Group(cgroup.trees(plan), int(plan["processes"]), int(plan["memory"]))

    def _leave_the_machine(self) -> None:
        uid, gid = os.geteuid(), os.getegid()
        kernel.unshare(_NAMESPACES | (0 if self.uid else kernel.NEW_USER))
        if not self.uid:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{uid} {uid} 1")
            _write("/proc/self/gid_map", f"{gid} {gid} 1")
        first = _fork()
        if first:
            _stand_by(first)
        kernel.die_with_parent(signal.SIGKILL)
        newroot.build(self._plan)
        self.scratch = str(self._plan["scratch"])

    def _furnish(self) -> None:
        """Put a temporary folder into the scratch folder, which stays ours: nothing in it can be replaced."""
        folder = os.path.join(self.scratch, leftovers.OWNED)
        os.mkdir(folder, 0o700)
        os.chmod(self.scratch, 0o711)
        self.hand_over(folder)
        os.environ["TMPDIR"] = folder
        if not self._namespaces:
            os.environ["HOME"] = folder  # one that is there
        tempfile.tempdir = self.scratch

    def _prepare(self) -> None:
        """Make ready what every process enters, so that entering is two system calls."""
        version = int(self._plan.get("landlock", 0))
        if version:
            self._ruleset = self._rules(version)
        if self._plan.get("seccomp"):
            program = binascii.a2b_base64(self._plan["seccomp"])
            self._filter = kernel.Filter(_with_own_pid(program, int(self._plan["own_pid"])))

    def _rules(self, version: int) -> kernel.Ruleset:
        rules = kernel.Ruleset(version)
        for path in self._plan["readable"]:
            rules.allow(path, _READ)
        for path in self._plan["listable"]:
            rules.allow(path, Access.READ_DIR)
        for path in self._plan["devices"]:
            rules.allow(path, _DEVICE)
        rules.allow(self.scratch, _SCRATCH)
        rules.allow(SHARED_MEMORY, _SHARED | Access.READ_DIR if self._namespaces else _SHARED)
        return rules

    def hand_over(self, *paths: str) -> None:
        """Let student code own these files or folders of ours."""
        if self.uid:
            for path in paths:
                os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def keep(self, descriptor: int) -> int:
        """Move what `enter` needs to this descriptor; returns the next one that is free."""
        if self._ruleset is None:
            return descriptor
        if self._ruleset.descriptor != descriptor:
            os.dup2(self._ruleset.descriptor, descriptor, inheritable=False)
            self._ruleset.descriptor = descriptor
        return descriptor + 1

    def let_go(self) -> None:
        """Enter the cgroup, and close what only the runner may have.

        For every process that was forked from it, first. Raises OSError.
        """
        if self._folder is not None:
            self._folder.let_go()
        if self._group is not None:
            self._group.enter()

    def drop(self) -> None:
        """Give up identity and capabilities. For every process below the runner. Raises OSError."""
        if not self._plan:
            return
        if self.uid:
            os.setgroups([])
            os.setresgid(self.uid, self.uid, self.uid)
            os.setresuid(self.uid, self.uid, self.uid)
        kernel.drop_capabilities()

    def enter(self) -> None:
        """Be closed in, before any student code. For a process that has done `drop`. Raises OSError."""
        if self._ruleset is not None:
            kernel.restrict_self(self._ruleset.descriptor)
            os.close(self._ruleset.descriptor)
        if self._filter is not None:
            self._filter.load()

    def sweep(self, spare: Collection[int] = ()) -> int:
        """Kill everything below this process but `spare`; returns how many there were."""
        if self._names is not None:
            self._names.look(reaper.descendants(os.getpid()))
        if self._group is not None and not spare:
            self._group.kill()
        return reaper.sweep(spare)

    def clean_up(self) -> None:
        """Remove what was written, once no process is left that could write more."""
        if self._names is not None:
            self._names.remove()
        if self._folder is not None:
            self._folder.remove()
        if self.uid and not self._namespaces:
            leftovers.remove_shared_of(self.uid)


def _stand_by(first: int) -> NoReturn:
    """Wait for the first process of the namespace, which has taken this one's place, and end as it does."""
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 0
    with contextlib.suppress(OSError):
        status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status not in _NOT_CAUGHT else None
        os.kill(os.getpid(), -status)
    _leave(max(status, 0))


def _with_own_pid(program: bytes, placeholder: int) -> bytes:
    """The program with this process's pid where the placeholder stands, and its negative likewise."""
    pid = os.getpid()
    numbers = {placeholder: pid, -placeholder & 0xFFFFFFFF: -pid & 0xFFFFFFFF}
    instructions = struct.iter_unpack("=HBBI", program)
    return b"".join(
        struct.pack("=HBBI", code, then, otherwise, numbers.get(value, value))
        for code, then, otherwise, value in instructions
    )


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
