from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for index, element in enumerate(shared_array):
            shared_array[index] = element + 1


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
