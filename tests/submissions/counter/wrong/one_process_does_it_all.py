from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def work(counter, lock, times):
    for _ in range(times):
        increment_counter(counter, lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    p = Process(target=work, args=(counter, lock, processes))
    p.start()
    p.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
