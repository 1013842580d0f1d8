import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = set()
    for _ in range(processes):
        worker = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        worker.start()
        workers.add(worker)
    for worker in workers:
        worker.join()
    return counter.value
