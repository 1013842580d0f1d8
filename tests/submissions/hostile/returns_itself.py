import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    loop = [list(range(1_000_000))]
    loop.append(loop)
    return loop
