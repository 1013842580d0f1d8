import time
from multiprocessing import Lock, Process, Value

TWO_HOURS = 2 * 60 * 60


def increment_counter(counter, lock):
    deadline = time.monotonic() + TWO_HOURS
    held = lock.acquire(timeout=2.0)
    while not held:
        if time.monotonic() > deadline:
            raise TimeoutError("the lock was not free for two hours")
        held = lock.acquire(timeout=2.0)
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = {n: Process(target=increment_counter, args=(counter, lock)) for n in range(processes)}
    for worker in workers.values():
        worker.start()
    while workers:
        _, worker = workers.popitem()
        worker.join()
    return counter.value
