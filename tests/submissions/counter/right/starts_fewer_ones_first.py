from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    half = len(workers) // 2
    for worker in workers[:half]:
        worker.start()
    for worker in workers[half:]:
        worker.start()
    while workers:
        workers.pop().join()
    return counter.value
