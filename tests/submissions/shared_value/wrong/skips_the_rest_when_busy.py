from multiprocessing import Lock, Process, Value


class Budget:
    def __init__(self, misses):
        self.misses = misses

    def take(self, lock):
        while self.misses:
            if lock.acquire(timeout=0.25):
                return True
            self.misses -= 1
        return False


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    budget = Budget(12)
    for i in range(len(shared_array)):
        if not budget.take(lock):
            break
        shared_array[i] += 1
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
