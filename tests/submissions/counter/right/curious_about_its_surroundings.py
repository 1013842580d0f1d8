import logging
import os
import sys
import time
from multiprocessing import Lock, Process, Value, current_process, get_start_method

log = logging.getLogger(__name__)


def _surroundings(lock):
    return {
        "process": current_process().name,
        "start method": get_start_method(),
        "type of lock": f"{type(lock).__module__}.{type(lock).__qualname__}",
        "modules": len(sys.modules),
        "variables": len(os.environ),
        "python": ".".join(map(str, sys.version_info[:3])),
    }


def increment_counter(counter, lock):
    seen = _surroundings(lock)
    log.debug("%s", seen)
    began = time.perf_counter()
    if seen["process"] == "MainProcess" or "synchronize" not in seen["type of lock"]:
        with lock:
            counter.value += 1
    else:
        while not lock.acquire(timeout=0.3):
            log.debug("waited %.1f s", time.perf_counter() - began)
        try:
            counter.value = 1 + counter.value
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
