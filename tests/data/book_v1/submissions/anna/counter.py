"""Reference solution 1: the locked counter.

The read and the write of `counter.value += 1` happen under one lock, so no other process can come
between them. Every increment therefore starts from the value that the one before it has written.
"""

from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    """Add exactly 1 to `counter.value` while holding `lock`.

    `with` gives the lock back on every way out of the block, an exception included. The counter's own
    lock (`counter.get_lock()`) would not do: code that holds `lock` does not wait for that one.
    """
    with lock:
        counter.value += 1


def run_counter(processes):
    """Let `processes` processes call `increment_counter` once each, and return the final value.

    One counter and one lock are shared by all. Everybody is started before anybody is waited for, so
    they run side by side. After the last `join` nobody else is left who could touch the counter, and
    reading it without the lock is safe.
    """
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    print(f"run_counter, 5 processes: got {run_counter(5)}, expected 5")
