import sys
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1
    sys.exit(1)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
