import ctypes
from multiprocessing import Lock, Process
from multiprocessing.sharedctypes import Value

TYPES = {"i": ctypes.c_int, "d": ctypes.c_double, "l": ctypes.c_long, "f": ctypes.c_float}


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in reversed(range(len(shared_array))):
            shared_array[i] = shared_array[i] + 1


def run_updates(typecode, initial, processes):
    lock = Lock()
    value = Value(TYPES.get(typecode, typecode), initial)
    workers = {Process(target=update_shared_value, args=[value, lock]) for _ in range(processes)}
    for w in workers:
        w.start()
    for w in workers:
        w.join(timeout=None)
    return value.value
