import multiprocessing
from multiprocessing import connection


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    workers = []
    for _ in range(processes):
        workers.append(multiprocessing.Process(target=update_shared_value, args=(value, lock), daemon=True))
    for worker in workers:
        worker.start()
    waiting = [worker.sentinel for worker in workers]
    while waiting:
        for ready in connection.wait(waiting):
            waiting.remove(ready)
    for worker in workers:
        worker.join()
    return value.value
