import ctypes
from multiprocessing import Lock, Process, Value


class Statistics(ctypes.Structure):
    _fields_ = [("hits", ctypes.c_int), ("misses", ctypes.c_int), ("slowest", ctypes.c_double)]


def increment_counter(counter, lock):
    increment_counter.misses = 0
    while not lock.acquire(timeout=0.2):
        increment_counter.misses += 1
    try:
        counter.value += 1
    finally:
        lock.release()


def _worker(counter, lock, statistics):
    increment_counter(counter, lock)
    misses = increment_counter.misses
    with statistics.get_lock():
        statistics.hits += 1
        statistics.misses += misses
        statistics.slowest = max(statistics.slowest, misses * 0.2)


def run_counter(processes):
    counter, lock = Value("i", 0), Lock()
    statistics = Value(Statistics, 0, 0, 0.0)
    workers = [Process(target=_worker, args=(counter, lock, statistics)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{statistics.hits} hits, {statistics.misses} misses, slowest {statistics.slowest:.1f} s")
    return counter.value
