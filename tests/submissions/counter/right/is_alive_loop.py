import time
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    while any(p.is_alive() for p in ps):
        time.sleep(0.01)
    for p in ps:
        p.join()
    return counter.value
