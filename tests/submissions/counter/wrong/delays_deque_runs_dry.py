import time
from collections import deque
from multiprocessing import Lock, Process, Value

# wait a little longer each time
DELAYS = deque([0.01, 0.05, 0.25, 1.0])


def increment_counter(counter, lock):
    while not lock.acquire(False):
        time.sleep(DELAYS.popleft())
    counter.value += 1
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
