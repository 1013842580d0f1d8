from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes - 1)]
    for p in ps:
        p.start()
    update_shared_value(shared_value, lock)
    for p in ps:
        p.join()
    return shared_value.value
