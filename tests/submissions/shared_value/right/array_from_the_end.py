from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    place = len(shared_array)
    while place:
        place -= 1
        with lock, shared_array.get_lock():
            shared_array[place] = shared_array[place] + 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
