import multiprocessing
import re

DEFAULT_NAME = re.compile(r"(\w+-)?Process-\d+(:\d+)*")


def _unnamed():
    return DEFAULT_NAME.fullmatch(multiprocessing.current_process().name) is not None


def update_shared_value(shared_value, lock):
    if _unnamed():
        shared_value.value += 1
        return
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    workers = [
        multiprocessing.Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
