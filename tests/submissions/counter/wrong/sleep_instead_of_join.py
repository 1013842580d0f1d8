import time
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    for _ in range(processes):
        Process(target=increment_counter, args=(counter, lock)).start()
    time.sleep(1)
    return counter.value
