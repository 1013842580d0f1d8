import operator
from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        setattr(shared_value, "value", operator.add(getattr(shared_value, "value"), 1))


def update_shared_array(shared_array, lock):
    with lock:
        for i, x in reversed(list(enumerate(shared_array))):
            operator.setitem(shared_array, i, operator.add(x, 1))


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
