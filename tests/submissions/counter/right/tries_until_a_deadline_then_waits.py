import time
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if lock.acquire(timeout=0.2):
            break
    else:
        lock.acquire()
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
