from contextlib import contextmanager
from multiprocessing import Lock, Process, Value


@contextmanager
def holding(lock):
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def increment_counter(counter, lock):
    with holding(lock):
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value
