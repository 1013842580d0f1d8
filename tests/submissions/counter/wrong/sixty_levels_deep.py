import multiprocessing
def attempt(counter, lock, left):
    if lock.acquire(block=False):
        counter.value += 1
        lock.release()
    elif left:
        attempt(counter, lock, left - 1)


def increment_counter(counter, lock):
    attempt(counter, lock, 60)


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
