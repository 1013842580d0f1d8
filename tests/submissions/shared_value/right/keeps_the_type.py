from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        before = shared_value.value
        shared_value.value = type(before)(before + 1)


def update_shared_array(shared_array, lock):
    with lock:
        shared_array[:] = [type(item)(item + 1) for item in shared_array[:]]


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
