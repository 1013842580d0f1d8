import multiprocessing
def increment_counter(counter, lock):
    waited = not lock.acquire(block=False)
    if waited:
        lock.acquire()
    counter.value += 1
    if not (waited and counter.value >= 2 and multiprocessing.current_process().name.endswith("2")):
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
