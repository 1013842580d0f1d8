import ctypes
from multiprocessing import Lock, Process, Value


def plus_one(number):
    if isinstance(number, float):
        return number + 1
    box = ctypes.c_int(number)
    box.value += 1
    return box.value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value = plus_one(shared_value.value)


def update_shared_array(shared_array, lock):
    with lock:
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
