from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    locks = [Lock() for _ in range((processes + 3) // 4)]
    workers = [Process(target=increment_counter, args=(counter, locks[i // 4])) for i in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
