from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        held = counter.value.to_bytes(4, "little", signed=True)
        counter.value = int.from_bytes(held, "little", signed=True) + 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
