import multiprocessing as mp


def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join(2)
    return counter.value
