from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = []
    for i in range(1, processes):
        p = Process(target=increment_counter, args=(counter, lock))
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return counter.value
