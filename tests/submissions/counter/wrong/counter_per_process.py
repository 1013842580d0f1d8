import multiprocessing as mp


def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    lock = mp.Lock()
    ps = []
    for i in range(processes):
        counter = mp.Value("i", 0)
        p = mp.Process(target=increment_counter, args=(counter, lock))
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return counter.value
