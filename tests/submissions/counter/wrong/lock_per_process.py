from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    ps = []
    for i in range(processes):
        lock = Lock()
        p = Process(target=increment_counter, args=(counter, lock))
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return counter.value
