import time
from multiprocessing import Lock, Process, Value


class TicketLock:
    """First come, first served."""

    def __init__(self):
        self._guard = Lock()
        self._next = Value("i", 0, lock=False)
        self._serving = Value("i", 0, lock=False)

    def __enter__(self):
        with self._guard:
            ticket = self._next.value
            self._next.value = ticket + 1
        looks = 0
        while not self._is_turn(ticket):
            looks += 1
            time.sleep(0.002)
        return looks

    def __exit__(self, *exception):
        with self._guard:
            self._serving.value += 1

    def _is_turn(self, ticket):
        with self._guard:
            return self._serving.value == ticket


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def _worker(turns, counter, lock):
    with turns:
        increment_counter(counter, lock)


def run_counter(processes):
    counter, lock, turns = Value("i", 0), Lock(), TicketLock()
    workers = [Process(target=_worker, args=(turns, counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(5))
