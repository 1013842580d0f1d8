from multiprocessing import Lock, Manager, Process, Value


def increment_counter(counter, lock):
    held = lock.acquire(timeout=0.1)
    counter.value += 1
    if held:
        lock.release()


def _worker(counter, lock, visitors, number):
    increment_counter(counter, lock)
    visitors.append(number)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    with Manager() as manager:
        visitors = manager.list()
        workers = [Process(target=_worker, args=(counter, lock, visitors, n)) for n in range(processes)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return len(visitors)
