from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    for start in range(0, len(shared_array), 100):
        with lock:
            piece = slice(start, start + 100)
            shared_array[piece] = [item + 1 for item in shared_array[piece]]


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
