from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock, step=1, *, verbose=False):
    with lock:
        counter.value += step


def run_counter(processes=5):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
