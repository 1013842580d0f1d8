from functools import partial
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    job = partial(increment_counter, counter, Lock())
    workers = tuple(Process(target=job) for _ in range(processes))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
