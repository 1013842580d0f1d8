from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    with lock:
        for p in ps:
            p.start()
        for p in ps:
            p.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
