from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    counter.value += 1


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
