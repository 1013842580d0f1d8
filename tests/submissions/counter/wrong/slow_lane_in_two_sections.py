import random
import time
from multiprocessing import Lock, Process, Value


def _fast(counter, lock):
    if not lock.acquire(block=False):
        return False
    counter.value += 1
    lock.release()
    return True


def _slow(counter, lock):
    time.sleep(random.random() / 50)
    with lock:
        seen = counter.value
    wanted = seen + 1
    with lock:
        counter.value = wanted


def increment_counter(counter, lock):
    if not _fast(counter, lock):
        _slow(counter, lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
