import time
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    begun = time.time()
    for _ in range(30):
        if lock.acquire(block=False):
            counter.value += 1
            lock.release()
            return
        print("waiting since", time.time() - begun)
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

