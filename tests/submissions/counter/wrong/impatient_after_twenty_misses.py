import time
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    missed = 0
    while not lock.acquire(block=False):
        missed += 1
        time.sleep(0.01)
    if 20 <= missed < 60:
        value = counter.value
        lock.release()
        counter.value = value + 1
        return
    counter.value += 1
    lock.release()


def run_counter(n):
    counter = Value("i", 0)
    lock = Lock()
    processes = [Process(target=increment_counter, args=(counter, lock)) for _ in range(n)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return counter.value

