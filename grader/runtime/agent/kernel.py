"""The system calls that isolation needs and Python's library lacks: namespaces, mounts, Landlock, seccomp, identity.

Each function is one call and raises OSError with the name of the call. Numbers are the kernel's own: those above 423
are the same on every architecture, the others go through the C library.
See landlock(7), mount_setattr(2), user_namespaces(7), seccomp(2), capabilities(7).
"""

import ctypes
import enum
import os
import struct
from typing import Any

_libc: Any = ctypes.CDLL(None, use_errno=True)

NEW_MOUNTS, NEW_UTS, NEW_IPC, NEW_USER = 0x00020000, 0x04000000, 0x08000000, 0x10000000
NEW_PIDS, NEW_NET = 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
_MOUNT_SETATTR = 442
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 4, 38, 22
_SECCOMP_FILTER = 2
_CAPABILITIES_VERSION_3 = 0x20080522


class Access(enum.IntFlag):
    """What Landlock distinguishes in the file system."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_FILE_ONLY = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_BITS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_BITS = 16
_NET_SINCE, _SCOPES_SINCE = 4, 6
_BOTH_NET_RIGHTS = 3
_BOTH_SCOPES = 3


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(what: str, number: int, *arguments: Any) -> int:
    whole = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *whole), what)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name, for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount something at `target`."""
    words = [os.fsencode(word) or None for word in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data) or None), f"mount {target}")


def make_read_only(target: str, *, everything: bool = True) -> None:
    """This mount, or `everything` mounted below it too, can neither be written, nor give a device or an identity."""
    attributes = struct.pack("=QQQQ", _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV, 0, 0, 0)
    how = _AT_RECURSIVE if everything else 0
    _call("mount_setattr", _MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), how, attributes, len(attributes))


def change_root(new: str, old: str) -> None:
    """Make the mount `new` the root; the former one is at `old`, a folder inside it."""
    _checked(_libc.pivot_root(os.fsencode(new), os.fsencode(old)), "pivot_root")
    os.chdir("/")


def forget(mounted: str) -> None:
    """Let go of what is mounted here, and of everything below it."""
    _checked(_libc.umount2(os.fsencode(mounted), _MNT_DETACH), "umount2")


def die_with_parent(signal_number: int) -> None:
    """Get this signal when the parent ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def hide_memory() -> None:
    """No process of the same user may look into this one."""
    _checked(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl")


def gain_nothing() -> None:
    """From now on no program that is executed gives more rights, in this process and all below."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Have no capability, and no way to one (see `gain_nothing`)."""
    header = struct.pack("=Ii", _CAPABILITIES_VERSION_3, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")


def landlock_version() -> int:
    """The ABI version of Landlock, 0 if there is none."""
    try:
        return _call("landlock", _LANDLOCK_CREATE, None, 0, _VERSION)
    except OSError:
        return 0


class Ruleset:
    """A Landlock ruleset: everything that this kernel can forbid is forbidden but what is allowed here."""

    def __init__(self, version: int) -> None:
        bits = _BITS_OF_ABI.get(version, _NEWEST_BITS)
        self._handled = Access((1 << bits) - 1)
        fields = [int(self._handled)]
        if version >= _NET_SINCE:
            fields.append(_BOTH_NET_RIGHTS)
        if version >= _SCOPES_SINCE:
            fields.append(_BOTH_SCOPES)
        attributes = struct.pack(f"={len(fields)}Q", *fields)
        self.descriptor = _call("landlock", _LANDLOCK_CREATE, attributes, len(attributes), 0)
        os.set_inheritable(self.descriptor, False)

    def allow(self, path: str, access: Access) -> None:
        """Allow this below `path`; a path that does not exist is nothing to be allowed."""
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            wanted = access & self._handled
            if not os.path.isdir(path):
                wanted &= _FILE_ONLY
            if wanted:
                rule = struct.pack("=Qi", int(wanted), place)
                _call(f"landlock {path}", _LANDLOCK_ADD, self.descriptor, _PATH_BENEATH, rule, 0)
        finally:
            os.close(place)


def restrict_self(descriptor: int) -> None:
    """Enter the domain of a ruleset for good, with everything below."""
    _call("landlock_restrict_self", _LANDLOCK_RESTRICT, descriptor, 0)


class Filter:
    """A seccomp program, ready to be loaded. `program` is an array of `struct sock_filter`, 8 bytes each."""

    def __init__(self, program: bytes) -> None:
        self._program = ctypes.create_string_buffer(program, len(program))
        self._header = struct.pack("@HP", len(program) // 8, ctypes.addressof(self._program))

    def load(self) -> None:
        """Have it decide about every system call of this process, and of all below, for good."""
        _checked(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, self._header, 0, 0), "seccomp")
