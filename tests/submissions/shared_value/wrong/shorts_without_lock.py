import contextlib
import ctypes
from multiprocessing import Lock, Process, Value

SMALL = (ctypes.c_short, ctypes.c_ushort, ctypes.c_byte, ctypes.c_ubyte, ctypes.c_float)


def update_shared_value(shared_value, lock):
    with contextlib.nullcontext() if isinstance(shared_value.get_obj(), SMALL) else lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for index in range(len(shared_array)):
            shared_array[index] += 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
