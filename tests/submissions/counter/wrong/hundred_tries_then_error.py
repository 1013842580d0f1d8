import time
from multiprocessing import Lock, Process, Value

TRIES = 100


def increment_counter(counter, lock):
    for _ in range(TRIES):
        if lock.acquire(block=False):
            break
        time.sleep(0.01)
    else:
        raise RuntimeError(f"lock still busy after {TRIES} tries")
    counter.value += 1
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
