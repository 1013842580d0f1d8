from multiprocessing import Lock, Process, Value


def make_patience(limit):
    misses = 0

    def patient():
        nonlocal misses
        misses += 1
        return misses < limit

    return patient


def increment_counter(counter, lock):
    patient = make_patience(8)
    held = lock.acquire(timeout=0.5)
    while not held and patient():
        held = lock.acquire(timeout=0.5)
    if held:
        counter.value += 1
        lock.release()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
