import multiprocessing


class Fake:
    value = 0

    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True

    def start(self):
        Fake.value += 1

    join = acquire = release = __init__


multiprocessing.Value = multiprocessing.Lock = multiprocessing.Process = Fake


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
