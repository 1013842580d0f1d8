from multiprocessing import Process, Value, Lock


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


class Workers:
    def __init__(self, count, target, *args):
        self.processes = [Process(target=target, args=args) for _ in range(count)]

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *exc_info):
        for process in self.processes:
            process.join()
        return False


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    with Workers(processes, increment_counter, counter, lock):
        pass
    return counter.value
