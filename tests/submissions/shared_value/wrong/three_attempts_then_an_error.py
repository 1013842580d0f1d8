from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    attempts = 0
    while attempts < 3:
        attempts += 1
        with lock:
            before = shared_value.value
        with lock:
            if shared_value.value != before:
                continue
            shared_value.value = before + 1
            break
    else:
        raise RuntimeError("gave up")


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value, lock = Value(typecode, initial), Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
