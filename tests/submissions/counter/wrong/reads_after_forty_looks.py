import multiprocessing
def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    looks = 0
    while any(worker.is_alive() for worker in workers):
        looks += 1
        if looks == 40:
            break
    if looks == 40:
        return counter.value
    for worker in workers:
        worker.join()
    return counter.value
