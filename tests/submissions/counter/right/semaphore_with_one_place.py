from multiprocessing import Process, Semaphore, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Semaphore(1)
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
