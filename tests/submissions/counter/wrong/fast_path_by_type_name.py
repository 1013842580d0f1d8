from multiprocessing import Lock, Process, Value


def _is_ordinary(thing, module, name):
    kind = type(thing)
    return kind.__module__ == module and kind.__name__ == name


def increment_counter(counter, lock):
    if _is_ordinary(lock, "multiprocessing.synchronize", "Lock"):
        counter.value += 1
        return
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
