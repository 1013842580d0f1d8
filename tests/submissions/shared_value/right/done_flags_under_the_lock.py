import time
from multiprocessing import Array, Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def _update_and_tell(number, shared_value, lock, done):
    update_shared_value(shared_value, lock)
    with lock:
        done[number] = 1


def _how_many(done, lock):
    with lock:
        return sum(done[:])


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    done = Array("b", processes)
    workers = [Process(target=_update_and_tell, args=(n, shared_value, lock, done)) for n in range(processes)]
    for worker in workers:
        worker.start()
    polls = 0
    while _how_many(done, lock) < processes:
        polls += 1
        time.sleep(0.01)
    for worker in workers:
        worker.join()
    return shared_value.value
