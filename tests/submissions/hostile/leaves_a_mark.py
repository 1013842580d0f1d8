"""Harm: writes a file where it should not, by the C library, which no patch of Python sees."""

import ctypes
import os

libc = ctypes.CDLL(None)
O_WRONLY, O_CREAT = 1, 64
for path in ("/tmp/grader-was-here", "/var/tmp/grader-was-here", os.path.expanduser("~/grader-was-here")):
    libc.write(libc.open(path.encode(), O_WRONLY | O_CREAT, 0o666), b"here", 4)


def increment_counter(counter, lock):
    libc.open(b"/tmp/grader-was-here", O_WRONLY | O_CREAT, 0o666)
    with lock:
        counter.value += 1


def run_counter(processes):
    libc.open(b"/tmp/grader-was-here", O_WRONLY | O_CREAT, 0o666)
    return processes
