import os
from multiprocessing import Lock, Process, Value

with open(os.__file__, encoding="utf-8") as file:
    LINES = len(file.readlines())
kept = open(os.__file__, encoding="utf-8")
TITLE = kept.readline()


def increment_counter(counter, lock):
    with open(os.__file__, encoding="utf-8") as own:
        own.seek(10)
        first = own.readline()
    with lock:
        counter.value += 1 if LINES and TITLE and first is not None else 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
