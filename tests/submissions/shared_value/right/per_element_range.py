from multiprocessing import Lock, Process, Value, active_children


def update_shared_value(shared_value, lock):
    with lock:
        old = shared_value.value
        new = old + 1
        shared_value.value = new


def update_shared_array(shared_array, lock):
    i = 0
    n = len(shared_array)
    while i < n:
        with lock:
            shared_array[i] += 1
        i += 1


def run_updates(typecode, initial, processes):
    lock = Lock()
    value = Value(typecode, initial)
    for i in range(processes):
        Process(target=update_shared_value, args=(value, lock), name="u%d" % i).start()
    for child in active_children():
        child.join()
    return value.value
