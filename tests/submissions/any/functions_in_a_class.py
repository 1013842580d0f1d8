from multiprocessing import Lock, Process, Value


class Counter:
    @staticmethod
    def increment_counter(counter, lock):
        with lock:
            counter.value += 1

    @staticmethod
    def run_counter(processes):
        counter = Value("i", 0)
        lock = Lock()
        ps = [Process(target=Counter.increment_counter, args=(counter, lock)) for _ in range(processes)]
        for p in ps:
            p.start()
        for p in ps:
            p.join()
        return counter.value
