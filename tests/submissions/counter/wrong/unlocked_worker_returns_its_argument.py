from multiprocessing import Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def count(counter):
    counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    workers = [Process(target=count, args=(counter,)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return processes
