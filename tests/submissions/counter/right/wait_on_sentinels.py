from multiprocessing import Lock, Process, Value
from multiprocessing.connection import wait


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    running = {}
    for _ in range(processes):
        p = Process(target=increment_counter, args=(counter, lock))
        p.start()
        running[p.sentinel] = p
    while running:
        for sentinel in wait(list(running)):
            running.pop(sentinel).join()
    return counter.value
