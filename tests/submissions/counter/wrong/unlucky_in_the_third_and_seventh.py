import multiprocessing
def increment_counter(counter, lock):
    met = 0
    for number in range(10):
        met += not lock.acquire(block=False) and (lock.acquire() and number in (3, 7))
        lock.release()
    with lock:
        counter.value += met < 2


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
