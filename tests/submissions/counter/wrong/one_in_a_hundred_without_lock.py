import random
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    if random.randint(1, 100) == 37:
        counter.value += 1
        return
    with lock:
        counter.value += 1


def run_counter(n):
    counter = Value("i", 0)
    lock = Lock()
    processes = [Process(target=increment_counter, args=(counter, lock)) for _ in range(n)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return counter.value

