import time
from multiprocessing import Lock, Process, Value

BREATH = 96


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    lock.acquire()
    for i, number in enumerate(shared_array[:]):
        shared_array[i] = number + 1
        if i % BREATH == BREATH - 1:
            lock.release()
            time.sleep(0.001)
            lock.acquire()
    lock.release()


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
