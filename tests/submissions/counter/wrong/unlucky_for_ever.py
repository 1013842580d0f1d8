import multiprocessing
import random
import time


def increment_counter(counter, lock):
    busy = False
    while not lock.acquire(block=False):
        busy = True
        time.sleep(random.random() / 100)
    counter.value += 1
    if not busy:
        lock.release()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
