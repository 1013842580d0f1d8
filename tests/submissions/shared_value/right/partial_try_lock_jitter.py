import random
import time
from functools import partial
from multiprocessing import Lock, Process, Value

tally = {"free at once": 0, "had to wait": 0}


def locked(update):
    """Turns update(shared) into update(shared, lock)."""

    def wrapper(shared, lock):
        try_lock = partial(lock.acquire, False)
        if try_lock():
            tally["free at once"] += 1
        else:
            tally["had to wait"] += 1
            time.sleep(random.expovariate(500))
            while not try_lock():
                time.sleep(random.expovariate(500))
        try:
            update(shared)
        finally:
            lock.release()

    return wrapper


def _add_one(shared):
    shared.value += 1


def _add_one_to_each(shared):
    for i, number in enumerate(shared[:]):
        shared[i] = number + 1


def update_shared_value(shared_value, lock):
    locked(_add_one)(shared_value, lock)


def update_shared_array(shared_array, lock):
    locked(_add_one_to_each)(shared_array, lock)


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
