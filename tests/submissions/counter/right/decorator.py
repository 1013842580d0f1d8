import functools
import multiprocessing


def locked(func):
    @functools.wraps(func)
    def wrapper(counter, lock):
        with lock:
            return func(counter, lock)
    return wrapper


@locked
def increment_counter(counter, lock):
    counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [
        multiprocessing.Process(target=increment_counter, args=(counter, lock))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
