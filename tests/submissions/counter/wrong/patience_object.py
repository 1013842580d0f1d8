import multiprocessing


class Attempts:
    """for number in Attempts(lock): here the lock is held once, or never."""

    def __init__(self, lock, most=4, seconds=1.5):
        self.lock = lock
        self.left = most
        self.seconds = seconds

    def __iter__(self):
        return self

    def __next__(self):
        while self.left > 0:
            self.left -= 1
            if self.lock.acquire(timeout=self.seconds):
                self.left = 0
                return self
        raise StopIteration

    def done(self):
        self.lock.release()


def increment_counter(counter, lock):
    for attempt in Attempts(lock):
        counter.value += 1
        attempt.done()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = []
    for _ in range(processes):
        workers.append(multiprocessing.Process(target=increment_counter, args=(counter, lock)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
