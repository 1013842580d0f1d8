from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    seen = None
    for attempt in range(1, 5):
        with lock:
            if counter.value == seen:
                counter.value = seen + 1
                return
            seen = counter.value
    counter.value = seen + 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
