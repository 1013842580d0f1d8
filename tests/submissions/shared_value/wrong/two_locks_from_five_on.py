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
    locks = [Lock()] if processes < 5 else [Lock(), Lock()]
    workers = [
        Process(target=update_shared_value, args=(shared_value, locks[i % len(locks)])) for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
