import multiprocessing as mp


def increment_counter(counter, lock):
    lock.acquire()
    lock.release()
    counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    workers = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value
