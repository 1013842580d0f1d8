import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = []
    for i in range(processes + 1):
        p = mp.Process(target=increment_counter, args=(counter, lock))
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return counter.value
