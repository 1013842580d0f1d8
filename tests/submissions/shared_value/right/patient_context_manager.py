import contextlib
import logging
import time
from multiprocessing import Lock, Process, Value

log = logging.getLogger(__name__)


@contextlib.contextmanager
def held(lock, what):
    began = time.monotonic()
    misses = 0
    warned = False
    while not lock.acquire(timeout=0.25):
        misses += 1
        if not warned and time.monotonic() - began > 5:
            log.warning("waiting for the %s: %d misses so far", what, misses)
            warned = True
    try:
        yield misses
    finally:
        lock.release()


def update_shared_value(shared_value, lock):
    with held(lock, "value") as misses:
        shared_value.value += 1
    log.debug("value done after %d misses", misses)


def update_shared_array(shared_array, lock):
    with held(lock, "array"):
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
