from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    for i in range(processes):
        p = Process(target=increment_counter, args=(counter, lock))
        p.start()
        p.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
