from multiprocessing import Lock, Process, Value

MOST = 1_000_000


def increment_counter(counter, lock):
    with lock:
        counter.value = min(counter.value + 1, MOST)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
