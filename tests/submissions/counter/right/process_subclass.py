from multiprocessing import Process, Value, Lock


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


class CounterProcess(Process):
    def __init__(self, counter, lock):
        super().__init__()
        self.counter = counter
        self.lock = lock

    def run(self):
        increment_counter(self.counter, self.lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [CounterProcess(counter, lock) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value


if __name__ == "__main__":
    print("counter =", run_counter(5))
