"""The filter of system calls: its program is interpreted here, for both machines, and compared with what was meant."""

import errno
import os
import re
import struct
from pathlib import Path

import pytest

from grader.runtime.sandbox import seccomp
from grader.runtime.sandbox.seccomp import Rules
from grader.runtime.sandbox.syscalls import NUMBERS

X86, ARM = "x86_64", "aarch64"
AUDIT = {X86: 0xC000003E, ARM: 0xC00000B7}
COLUMN = {X86: 0, ARM: 1}
ALLOWED, KILLED = "allowed", "killed"
MILD = Rules()
HIGH = 0xFFFF_FFFF_0000_0000
"""Bits that the kernel ignores in an `int`."""


def decide(program: bytes, audit: int, number: int, arguments: tuple[int, ...]) -> str | int:
    """What the kernel would do: classic BPF over `struct seccomp_data`."""
    six = [value & 0xFFFF_FFFF_FFFF_FFFF for value in (*arguments, *[0] * 6)][:6]
    data = struct.pack("<iIQ6Q", number if number < 2**31 else number - 2**32, audit, 0, *six)
    code = list(struct.iter_unpack("=HBBI", program))
    at, accumulator = 0, 0
    for _ in range(len(code) + 1):
        operation, then, otherwise, value = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x06:
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(value, value & 0xFFFF)
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            at += then if holds else otherwise
    raise AssertionError("the program has no end")


def call(machine: str, name: str, *arguments: int, rules: Rules = MILD) -> str | int:
    number = NUMBERS[name][COLUMN[machine]]
    assert number is not None
    return decide(seccomp.program(rules, machine), AUDIT[machine], number, arguments)


@pytest.fixture(params=[X86, ARM])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_every_program_needs_is_allowed(machine: str) -> None:
    numbers = {
        X86: {"read": 0, "mmap": 9, "execve": 59, "futex": 202},
        ARM: {"read": 63, "execve": 221, "futex": 98},
    }
    program = seccomp.program(Rules(same_user=True, spared=(7,)), machine)
    for number in numbers[machine].values():
        assert decide(program, AUDIT[machine], number, ()) == ALLOWED


def test_every_number_has_a_decision(machine: str) -> None:
    program = seccomp.program(Rules(same_user=True, spared=(7, -7)), machine)
    decisions = [decide(program, AUDIT[machine], number, (1, 1)) for number in range(480)]
    assert set(decisions) <= {ALLOWED, errno.EPERM, errno.EACCES, errno.ENOSYS}
    refused = {number for number, decision in enumerate(decisions) if decision != ALLOWED}
    known = {numbers[COLUMN[machine]] for numbers in NUMBERS.values()}
    assert refused <= known


def test_numbers_of_another_kind_end_the_process() -> None:
    program = seccomp.program(Rules(), X86)
    assert decide(program, 0x40000003, 26, ()) == KILLED  # ptrace of 32 bit
    assert decide(program, AUDIT[ARM], 117, ()) == KILLED
    for number in (0x40000000, 0x40000000 + 521, 0x40000000 + 101, 512, 521, 547, 0xFFFFFFFF):
        assert decide(program, AUDIT[X86], number, ()) == KILLED
    assert decide(program, AUDIT[X86], 511, ()) == ALLOWED
    assert decide(program, AUDIT[X86], 548, ()) == ALLOWED


@pytest.mark.parametrize(
    "name",
    [
        "ptrace",
        "process_vm_readv",
        "pidfd_getfd",
        "unshare",
        "setns",
        "mount",
        "memfd_create",
        "shmget",
        "mq_open",
    ],
)
def test_what_is_always_refused(machine: str, name: str) -> None:
    assert call(machine, name, 1, 2, 3) == errno.EPERM


def test_only_local_streams(machine: str) -> None:
    unix, inet, inet6, netlink, packet = 1, 2, 10, 16, 17
    stream, datagram, cloexec = 1, 2, 0o2000000
    for name in ("socket", "socketpair"):
        assert call(machine, name, unix, stream) == ALLOWED
        assert call(machine, name, unix, stream | cloexec) == ALLOWED
        assert call(machine, name, unix, datagram | cloexec) == errno.EACCES
        assert call(machine, name, unix, 5) == errno.EACCES
        for family in (0, inet, inet6, netlink, packet, 40):
            assert call(machine, name, family, stream) == errno.EACCES
        assert call(machine, name, HIGH | inet, stream) == errno.EACCES
        assert call(machine, name, HIGH | unix, HIGH | stream) == ALLOWED


def test_no_new_namespaces(machine: str) -> None:
    assert call(machine, "clone", 0x01200011) == ALLOWED  # what fork asks for
    assert call(machine, "clone", 0x003D0F00) == ALLOWED  # and a thread
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert call(machine, "clone", 0x11 | flag) == errno.EPERM
    assert call(machine, "clone3") == errno.ENOSYS


def test_limits_and_priorities_of_itself_only(machine: str) -> None:
    for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler"):
        assert call(machine, name, 0, 7) == ALLOWED
        assert call(machine, name, HIGH, 7) == ALLOWED
        assert call(machine, name, 1, 7) == errno.EPERM
    assert call(machine, "setpriority", 0, 0, 5) == ALLOWED
    assert call(machine, "setpriority", 0, 9, 5) == errno.EPERM
    assert call(machine, "setpriority", 2, 0, 5) == errno.EPERM


def test_no_signals_on_its_behalf(machine: str) -> None:
    assert call(machine, "fcntl", 3, 3) == ALLOWED
    for command in (8, 10, 15):
        assert call(machine, "fcntl", 3, command) == errno.EPERM
        assert call(machine, "fcntl", 3, HIGH | command) == errno.EPERM
    assert call(machine, "ioctl", 0, 0x5401) == ALLOWED
    assert call(machine, "ioctl", 0, HIGH | 0x5412) == errno.EPERM


def test_what_hurts_the_same_user(machine: str) -> None:
    strict = Rules(same_user=True, spared=(4711, -4700))
    assert call(machine, "connect", 3) == ALLOWED
    assert call(machine, "connect", 3, rules=strict) == errno.EPERM
    assert call(machine, "fchmodat", 3, rules=strict) == errno.EPERM
    assert call(machine, "kill", 4711) == ALLOWED
    for pid in (4711, -4700, -1, HIGH | 4711, seccomp.OWN_PID, -seccomp.OWN_PID):
        assert call(machine, "kill", pid, 9, rules=strict) == errno.EPERM
        assert call(machine, "tgkill", pid, 9, rules=strict) == errno.EPERM
    for pid in (4712, 0, -4711, 4700):
        assert call(machine, "kill", pid, 9, rules=strict) == ALLOWED


def test_jumps_stay_inside(machine: str) -> None:
    code = list(struct.iter_unpack("=HBBI", seccomp.program(Rules(True, (1, 2, 3)), machine)))
    assert len(code) < 4096
    for at, (operation, then, otherwise, _) in enumerate(code):
        if operation in (0x15, 0x35, 0x45):
            assert at + 1 + max(then, otherwise) < len(code)
    assert code[-1][0] == 0x06


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        (X86, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        (ARM, "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_numbers_are_those_of_the_kernel(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"no {header} here")
    text = Path(header).read_text()
    known = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", text)}
    ours = {name: numbers[COLUMN[machine]] for name, numbers in NUMBERS.items()}
    both = known.keys() & ours.keys()
    assert len(both) > 60
    assert {name: ours[name] for name in both} == {name: known[name] for name in both}


def test_it_holds_in_earnest() -> None:
    """Loaded in a child of this process: refusals are those errors, and what is allowed goes on."""
    if not seccomp.supported():
        pytest.skip("no filter for this machine")
    script = """
import base64, os, socket, sys
from grader.runtime.agent import kernel
kernel.gain_nothing()
kernel.Filter(base64.b64decode(sys.argv[1])).load()
try:
    socket.socket(socket.AF_INET)
except PermissionError as error:
    print("inet", error.errno)
try:
    os.memfd_create("x")
except PermissionError as error:
    print("memfd", error.errno)
pid = os.fork()
if pid == 0:
    os._exit(7)
print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), len(socket.socketpair()))
"""
    import base64
    import subprocess
    import sys

    program = base64.b64encode(seccomp.program(Rules())).decode()
    done = subprocess.run(
        [sys.executable, "-c", script, program],
        capture_output=True,
        text=True,
        env={**os.environ},
        check=False,
    )
    assert done.stdout.splitlines() == [f"inet {errno.EACCES}", f"memfd {errno.EPERM}", "child 7 2"], (
        done.stderr
    )
