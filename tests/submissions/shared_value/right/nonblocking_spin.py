from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    while not lock.acquire(False):
        pass
    shared_value.value += 1
    lock.release()


def update_shared_array(shared_array, lock):
    while not lock.acquire(False):
        pass
    try:
        for i in range(len(shared_array)):
            shared_array[i] += 1
    finally:
        lock.release()


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
