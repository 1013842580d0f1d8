import time
from multiprocessing import Lock, Process, Value


class FlagLock:
    """A lock made of one shared flag."""

    def __init__(self):
        self.flag = Value("b", 0)

    def acquire(self):
        while self.flag.value:
            time.sleep(0.001)
        self.flag.value = 1

    def release(self):
        self.flag.value = 0

    def __enter__(self):
        self.acquire()

    def __exit__(self, *exception):
        self.release()


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = FlagLock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
