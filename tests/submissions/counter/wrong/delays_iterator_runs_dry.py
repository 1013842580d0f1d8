import multiprocessing as mp


def increment_counter(counter, lock):
    delays = iter([0.1, 0.2, 0.4, 0.8, 1.6])
    while not lock.acquire(timeout=next(delays)):
        print("lock is busy, waiting longer")
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
        p.join()
    return counter.value
