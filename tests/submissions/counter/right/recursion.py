from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def start_and_join(n, counter, lock):
    if n == 0:
        return
    p = Process(target=increment_counter, args=(counter, lock))
    p.start()
    start_and_join(n - 1, counter, lock)
    p.join()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    start_and_join(processes, counter, lock)
    return counter.value
