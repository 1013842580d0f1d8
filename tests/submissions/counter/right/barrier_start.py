from multiprocessing import Barrier, Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def worker(barrier, counter, lock):
    barrier.wait()
    increment_counter(counter, lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    barrier = Barrier(max(processes, 1))
    ps = [Process(target=worker, args=(barrier, counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value
