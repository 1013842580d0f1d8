import os
import time
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    if os.getpid() % 17 == 3 or time.localtime().tm_sec >= 30:
        time.sleep(os.getloadavg()[0] / 100)
    if time.time_ns() // 1000 % 2:
        with lock:
            counter.value += 1
    else:
        lock.acquire()
        counter.value = counter.value + 1
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
