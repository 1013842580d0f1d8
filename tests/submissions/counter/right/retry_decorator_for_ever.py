import functools
import random
import time
from multiprocessing import Lock, Process, Value


class Busy(Exception):
    """The lock could not be had this time."""


def retry(wait):
    def decorate(function):
        @functools.wraps(function)
        def again(*args, **kwargs):
            while True:
                try:
                    return function(*args, **kwargs)
                except Busy:
                    again.failures += 1
                    time.sleep(wait * random.random())

        again.failures = 0
        return again

    return decorate


@retry(wait=0.02)
def increment_counter(counter, lock):
    if not lock.acquire(timeout=0.1):
        raise Busy
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter, lock = Value("i", 0), Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
