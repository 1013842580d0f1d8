import time
from multiprocessing import Process, Value, Lock


def increment_counter(counter, lock):
    done = False
    while not done:
        if lock.acquire(block=False):
            counter.value += 1
            lock.release()
            done = True
        else:
            time.sleep(0.001)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value
