from multiprocessing import Lock, Process, Value


def read(counter, lock):
    with lock:
        return counter.value


def increment_counter(counter, lock):
    with lock:
        counter.value = read(counter, lock) + 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = []
    for i in range(processes):
        p = Process(target=increment_counter, args=(counter, lock))
        p.start()
        ps.append(p)
    for p in ps:
        p.join()
    return counter.value
