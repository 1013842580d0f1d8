import random
import time
from multiprocessing import Lock, Process, Value


def backoff(first=0.01, factor=2, cap=0.5, times=6):
    delay = first
    for _ in range(times):
        yield delay
        delay = min(delay * factor, cap)


def increment_counter(counter, lock):
    for delay in backoff():
        if lock.acquire(block=False):
            try:
                counter.value += 1
            finally:
                lock.release()
            break
        time.sleep(delay + random.random() * delay)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
