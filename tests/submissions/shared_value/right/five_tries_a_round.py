import time
from multiprocessing import Lock, Process, Value


def get_lock_somehow(lock):
    rounds = 0
    while True:
        for attempt in range(5):
            if lock.acquire(False):
                return rounds, attempt
        else:
            rounds += 1
            time.sleep(0.005)


def update_shared_value(shared_value, lock):
    rounds, attempt = get_lock_somehow(lock)
    shared_value.value += 1
    lock.release()
    if rounds:
        print("got it in round", rounds, "attempt", attempt)


def update_shared_array(shared_array, lock):
    get_lock_somehow(lock)
    for index in range(len(shared_array)):
        shared_array[index] += 1
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
