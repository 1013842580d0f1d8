import random
import time
from multiprocessing import Lock, Process, Value


class Optimist:
    """Computes outside the lock, writes only if nobody was faster."""

    conflicts = 0

    def __init__(self, counter, lock):
        self.counter = counter
        self.lock = lock

    def look(self):
        with self.lock:
            return self.counter.value

    def swap(self, old, new):
        with self.lock:
            if self.counter.value != old:
                return False
            self.counter.value = new
            return True

    def add_one(self):
        old = self.look()
        while not self.swap(old, old + 1):
            Optimist.conflicts += 1
            time.sleep(random.random() / 100)
            old = self.look()


def increment_counter(counter, lock):
    Optimist(counter, lock).add_one()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(8))
