import random
import time
from multiprocessing import Lock, Process, Value

FIRST_DELAY = 0.001
LONGEST_DELAY = 0.05


def increment_counter(counter, lock):
    delay = FIRST_DELAY
    while not lock.acquire(block=False):
        time.sleep(random.uniform(delay / 2, delay))
        delay = min(delay * 2, LONGEST_DELAY)
    try:
        counter.value += 1
    finally:
        lock.release()


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
    print(run_counter(5))
