import functools
import logging
from multiprocessing import Lock, Process, Value

log = logging.getLogger(__name__)


class LockBusy(Exception):
    pass


def retry(times, on):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            for attempt in range(1, times + 1):
                try:
                    return function(*args, **kwargs)
                except on:
                    log.info("%s: attempt %d of %d failed", function.__name__, attempt, times)
            log.error("%s failed", function.__name__)

        return wrapper

    return decorate


@retry(times=5, on=LockBusy)
def increment_counter(counter, lock):
    if not lock.acquire(timeout=2):
        raise LockBusy
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
