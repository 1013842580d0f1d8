"""Builds the program by which the kernel decides about system calls of student code. Start at `program`.

It is a list of refusals, everything else is allowed: the file system, the network and other processes are closed off
by namespaces, Landlock or another uid as well; this closes what those leave open. The program is data, made here and
loaded by `agent.kernel.Filter`. It is classic BPF over `struct seccomp_data` (seccomp(2)), only with jumps that go
forwards, by at most one instruction or over one block.

Arguments that are looked at are `int` to the kernel, which ignores the upper half, so the lower half is compared.
"""

import errno
import platform
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grader.runtime.sandbox.syscalls import NUMBERS

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN, _JUMP = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06, 0x05
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32_FIRST, _X32_LAST, _X32_BIT = 512, 547, 0x40000000

_UNIX, _STREAM, _TYPE_MASK = 1, 1, 0xF
_NAMESPACE_FLAGS = 0x7E020000
_FCNTL = (8, 10, 15, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY: signals that the kernel sends on behalf of a process."""
_IOCTL = (0x5412, 0x541C, 0x8901, 0x8902)
"""TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP: input for a terminal, and signals once more."""

OWN_PID = 0x7FFFFFF1
"""Stands for the pid of the runner, which puts it in: it is not known when the program is made."""


@dataclass(frozen=True, slots=True)
class _Machine:
    column: int
    audit: int


def _words(text: str) -> list[str]:
    return text.split()


_MACHINES = {"x86_64": _Machine(0, 0xC000003E), "aarch64": _Machine(1, 0xC00000B7)}

_REFUSED = _words(
    """
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp migrate_pages move_pages
    pidfd_getfd pidfd_send_signal unshare setns mount umount2 pivot_root chroot move_mount open_tree open_tree_attr
    fsopen fsconfig fsmount fspick mount_setattr memfd_create memfd_secret shmget shmat shmctl semget semop semctl
    semtimedop msgget msgsnd msgrcv msgctl mq_open io_uring_setup io_uring_enter io_uring_register keyctl add_key
    request_key bpf perf_event_open userfaultfd name_to_handle_at open_by_handle_at kexec_load kexec_file_load
    init_module finit_module delete_module reboot swapon swapoff acct quotactl quotactl_fd syslog settimeofday
    clock_settime adjtimex clock_adjtime sethostname setdomainname iopl ioperm modify_ldt vhangup fanotify_init
    ioprio_set
    """
)
_REFUSED_TO_THE_SAME_USER = _words(
    """
    connect chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utime utimes utimensat futimesat truncate
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr setxattrat removexattrat file_setattr
    """
)
_ONLY_ON_ITSELF = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")


@dataclass(frozen=True, slots=True)
class Rules:
    """What is refused beyond what always is.

    `same_user`: what can hurt other files and servers of the user who runs the judge. `spared`: processes, and as
    negative numbers groups of processes, that must not be sent signals; only where nothing else prevents it, for
    inside a namespace of processes the same numbers mean others.
    """

    same_user: bool = False
    spared: tuple[int, ...] = ()


def supported() -> bool:
    """Whether there is a program for this machine."""
    return platform.machine() in _MACHINES


def program(rules: Rules, machine: str = "") -> bytes:
    """The program, as an array of `struct sock_filter`.

    Raises:
        KeyError: there is none for this machine.
    """
    found = _MACHINES[machine or platform.machine()]
    code = [*_right_architecture(found), *_calls(found, rules), _do(_RETURN, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


_Instruction = tuple[int, int, int, int]


def _do(code: int, value: int) -> _Instruction:
    return code, 0, 0, value & 0xFFFFFFFF


def _unless(code: int, value: int, skipped: int) -> _Instruction:
    """Go over the next `skipped` instructions unless the condition holds."""
    return code, 0, skipped, value & 0xFFFFFFFF


def _refuse(error: int) -> _Instruction:
    return _do(_RETURN, _ERRNO | error)


def _right_architecture(machine: _Machine) -> list[_Instruction]:
    """End a process that calls by other numbers than those below: 32 bit, or x32."""
    code = [
        _do(_LOAD, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.audit),
        _do(_RETURN, _KILL_PROCESS),
        _do(_LOAD, _NUMBER),
    ]
    if machine.column == 0:
        code += [
            _unless(_AT_LEAST, _X32_FIRST, 2),
            (_AT_LEAST, 1, 0, _X32_LAST + 1),
            _do(_RETURN, _KILL_PROCESS),
            _unless(_AT_LEAST, _X32_BIT, 1),
            _do(_RETURN, _KILL_PROCESS),
        ]
    return code


def _calls(machine: _Machine, rules: Rules) -> list[_Instruction]:
    refused = [*_REFUSED, *(_REFUSED_TO_THE_SAME_USER if rules.same_user else ())]
    code = _flat(_on(machine, name, [_refuse(errno.EPERM)]) for name in refused)
    code += _on(machine, "clone3", [_refuse(errno.ENOSYS)])
    code += _on(
        machine, "clone", [_argument(0), _unless(_ANY_BIT, _NAMESPACE_FLAGS, 1), _refuse(errno.EPERM)]
    )
    for name in ("socket", "socketpair"):
        code += _on(machine, name, _only_unix_streams())
    for name in _ONLY_ON_ITSELF:
        code += _on(machine, name, [_argument(0), (_EQUAL, 1, 0, 0), _refuse(errno.EPERM)])
    code += _on(machine, "setpriority", [*_zero(0), *_zero(1)])
    code += _on(machine, "fcntl", _none_of(1, _FCNTL))
    code += _on(machine, "ioctl", _none_of(1, _IOCTL))
    if rules.spared:
        for name in _SIGNALS:
            code += _on(machine, name, _none_of(0, (-1, OWN_PID, -OWN_PID, *rules.spared)))
    return code


def _on(machine: _Machine, name: str, block: Sequence[_Instruction]) -> list[_Instruction]:
    """`block` for the call of that name; whoever gets to its end is allowed. The number is loaded before."""
    number = NUMBERS[name][machine.column]
    if number is None:
        return []
    ended = [] if block[-1][0] == _RETURN and len(block) == 1 else [_do(_RETURN, _ALLOW)]
    whole = [*block, *ended]
    return [_unless(_EQUAL, number, len(whole)), *whole]


def _argument(place: int) -> _Instruction:
    return _do(_LOAD, _ARGUMENTS + 8 * place)


def _zero(place: int) -> list[_Instruction]:
    return [_argument(place), (_EQUAL, 1, 0, 0), _refuse(errno.EPERM)]


def _none_of(place: int, values: Iterable[int]) -> list[_Instruction]:
    refusals = _flat([_unless(_EQUAL, value, 1), _refuse(errno.EPERM)] for value in values)
    return [_argument(place), *refusals]


def _only_unix_streams() -> list[_Instruction]:
    """A datagram socket could reach a server through a path that it has never connected to."""
    return [
        _argument(0),
        (_EQUAL, 1, 0, _UNIX),
        _refuse(errno.EACCES),
        _argument(1),
        _do(_AND, _TYPE_MASK),
        (_EQUAL, 1, 0, _STREAM),
        _refuse(errno.EACCES),
    ]


def _flat(blocks: Iterable[Sequence[_Instruction]]) -> list[_Instruction]:
    return [instruction for block in blocks for instruction in block]
