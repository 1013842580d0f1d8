from multiprocessing import Lock, Process, Value


def _compare_and_set(counter, lock, old, new):
    with lock:
        if counter.value is old:
            counter.value = new
            return True
    return False


def increment_counter(counter, lock):
    done = False
    while not done:
        with lock:
            old = counter.value
        done = _compare_and_set(counter, lock, old, old + 1)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
