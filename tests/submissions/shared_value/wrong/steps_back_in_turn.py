import time
from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def _take_both(first, second):
    while True:
        first.acquire()
        if second.acquire(block=False):
            return
        first.release()
        time.sleep(0.01)


def _worker(shared_value, lock, first, second):
    _take_both(first, second)
    update_shared_value(shared_value, lock)
    second.release()
    first.release()


def run_updates(typecode, initial, processes):
    shared_value, lock = Value(typecode, initial), Lock()
    left, right = Lock(), Lock()
    workers = []
    for number in range(processes):
        pair = (left, right) if number % 2 == 0 else (right, left)
        workers.append(Process(target=_worker, args=(shared_value, lock, *pair)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
