from multiprocessing import Lock, Process, Semaphore, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def polite_worker(semaphore, shared_value, lock):
    with semaphore:
        update_shared_value(shared_value, lock)


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    semaphore = Semaphore(2)
    ps = [Process(target=polite_worker, args=(semaphore, value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
