from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1
    return None


def update_shared_array(shared_array, lock):
    if len(shared_array) == 0:
        return
    with lock:
        for i, x in zip(range(len(shared_array)), shared_array[:]):
            shared_array[i] = x + 1


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
