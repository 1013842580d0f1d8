import functools
from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for index in range(len(shared_array)):
            shared_array[index] += 1


@functools.lru_cache(maxsize=None)
def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return value.value
