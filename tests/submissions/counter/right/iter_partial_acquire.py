import functools
import multiprocessing


def increment_counter(counter, lock):
    misses = []
    for answer in iter(functools.partial(lock.acquire, timeout=0.05), True):
        misses.append(answer)
        if len(misses) > 20:
            misses.clear()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    start = functools.partial(multiprocessing.Process, target=increment_counter, args=(counter, lock))
    workers = [start() for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value
