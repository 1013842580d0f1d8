"""Exercise 1: the locked counter.

Several processes add 1 to one shared counter. The counter lives in shared memory, so all of them
see the same number, and that is the trouble: `counter.value += 1` looks like one step, but it is two.

    1. read the value          (process A reads 7, process B reads 7)
    2. write the value plus 1  (process A writes 8, process B writes 8: one increment is lost)

A lock makes the two steps one. Only one process at a time can hold it, all others wait.

Run this file to try your code:      python exercises/counter.py
Ask for every possible order:        grader check exercises/counter.py
"""

import multiprocessing


def increment_counter(counter, lock):
    """Add exactly 1 to `counter.value` while holding `lock`. Return nothing.

    `counter` is a `multiprocessing.Value("i", start)`, `lock` is a `multiprocessing.Lock()`.

    Why the lock that is passed in: a lock protects only against those who use the same lock.
    Pitfall: hold it around the read *and* the write, and give it back even if something goes wrong.
    """
    # TODO: your code here.
    raise NotImplementedError("write increment_counter")


def run_counter(processes):
    """Let `processes` processes call `increment_counter` once each. Return the final value, an int.

    Create one counter (starting at 0) and one lock, start all processes, then wait for all of them.

    Why two loops: the processes shall be alive together. Starting one and waiting for it before
    starting the next is not multiprocessing, only a slow loop.
    Pitfall: without the waiting (`join`), you read the counter before everybody has added to it.
    """
    # TODO: your code here.
    raise NotImplementedError("write run_counter")


if __name__ == "__main__":
    one_counter = multiprocessing.Value("i", 41)
    increment_counter(one_counter, multiprocessing.Lock())
    print(f"increment_counter on 41:  got {one_counter.value}, expected 42")

    print(f"run_counter, 5 processes: got {run_counter(5)}, expected 5")
