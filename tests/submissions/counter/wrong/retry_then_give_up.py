import multiprocessing as mp


def increment_counter(counter, lock):
    locked = False
    for attempt in range(3):
        locked = lock.acquire(timeout=0.5)
        if locked:
            break
    counter.value += 1
    if locked:
        lock.release()


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = []
    for i in range(processes):
        p = mp.Process(target=increment_counter, args=(counter, lock))
        p.start()
        ps.append(p)
    for p in ps:
        p.join()
    return counter.value
