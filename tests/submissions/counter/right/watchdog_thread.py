import threading
from multiprocessing import Lock, Process, Value


class Watchdog(threading.Thread):
    """Barks every few seconds until it is told to stop."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self._seconds = seconds
        self._stop_asked = threading.Event()
        self.barks = 0

    def run(self):
        while not self._stop_asked.wait(self._seconds):
            self.barks += 1
            print("still counting...", self.barks, flush=True)

    def stop(self):
        self._stop_asked.set()
        self.join()


def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    dog = Watchdog(5.0)
    dog.start()
    for worker in workers:
        worker.join()
    dog.stop()
    return counter.value


if __name__ == "__main__":
    print(run_counter(5))
