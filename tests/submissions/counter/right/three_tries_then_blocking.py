from multiprocessing import Lock, Process, Value

TRIES = (0.01, 0.1, 0.5)


def _take(lock):
    """Returns after how many misses the lock was had."""
    for misses, seconds in enumerate(TRIES):
        if lock.acquire(timeout=seconds):
            return misses
    print("busy today, waiting as long as it takes")
    lock.acquire()
    return len(TRIES)


def increment_counter(counter, lock):
    _take(lock)
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
