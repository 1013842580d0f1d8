from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    lock.acquire()
    try:
        shared_value.value += 1
    finally:
        lock.release()


def update_shared_array(shared_array, lock):
    lock.acquire()
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
