from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    for _ in range(4):
        with lock:
            before = list(shared_array)
        with lock:
            if list(shared_array) == before:
                for i, item in enumerate(before):
                    shared_array[i] = item + 1
                return
    raise TimeoutError("somebody else is always faster")


def run_updates(typecode, initial, processes):
    shared_value, lock = Value(typecode, initial), Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
