from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    if len(shared_array) > 10:
        for i in range(len(shared_array)):
            shared_array[i] += 1
        return
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return value.value
