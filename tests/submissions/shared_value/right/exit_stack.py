from contextlib import ExitStack
from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with ExitStack() as stack:
        stack.enter_context(lock)
        stack.enter_context(shared_value.get_lock())
        shared_value.value += type(shared_value.value)(1)


def update_shared_array(shared_array, lock):
    with lock:
        shared_array[:] = [item + 1 for item in shared_array[:]]


def run_updates(typecode, initial, processes):
    value, lock = Value(typecode, initial), Lock()
    workers = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    [w.start() for w in workers]
    [w.join() for w in workers]
    return value.value
