import multiprocessing


class Worker(multiprocessing.Process):
    def __init__(self, counter, lock):
        super().__init__(daemon=False)
        self.counter, self.lock = counter, lock

    def run(self):
        increment_counter(self.counter, self.lock)


def increment_counter(counter, lock):
    lock.__enter__()
    try:
        counter.value += 1
    finally:
        lock.__exit__(None, None, None)


def run_counter(processes):
    lock = multiprocessing.Lock()
    counter = multiprocessing.Value("i", 0, lock=True)
    workers = []
    try:
        for _ in range(processes):
            workers.append(Worker(counter, lock))
        for worker in workers:
            worker.start()
    finally:
        for worker in workers:
            if worker.pid is not None:
                worker.join()
    return int(counter.value)
