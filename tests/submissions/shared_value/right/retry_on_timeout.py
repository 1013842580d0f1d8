from contextlib import contextmanager
from multiprocessing import Lock, Process, Value


@contextmanager
def patiently(lock):
    while True:
        if lock.acquire(timeout=0.1):
            break
    try:
        yield lock
    finally:
        lock.release()


def update_shared_value(shared_value, lock):
    with patiently(lock):
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with patiently(lock):
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
