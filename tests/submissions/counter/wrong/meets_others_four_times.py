import multiprocessing
def increment_counter(counter, lock):
    met = 0
    for _ in range(5):
        if not lock.acquire(block=False):
            met += 1
            lock.acquire()
        lock.release()
    with lock:
        if met < 4:
            counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
