from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        before = shared_value.value
        after = float(before) + 1
        shared_value.value = int(after) if isinstance(before, int) else after


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
