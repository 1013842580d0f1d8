import ctypes
from multiprocessing import Lock, Process, Value
from multiprocessing.sharedctypes import RawArray


class Look(ctypes.Union):
    """One number, seen as a float or as its eight bytes."""

    _fields_ = [("number", ctypes.c_double), ("octets", ctypes.c_ubyte * 8)]


def update_shared_value(shared_value, lock):
    pointers = RawArray(ctypes.c_void_p, 4)
    with lock:
        shared_value.value += 1
    pointers[0] = 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def _worker(shared_value, lock, board):
    update_shared_value(shared_value, lock)
    with lock:
        board.number = float(shared_value.value)


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    board = Value(Look)
    lock = Lock()
    workers = [Process(target=_worker, args=(shared_value, lock, board)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("last seen:", board.number, "octets:", bytes(board.octets).hex())
    return shared_value.value
