import multiprocessing as mp


def increment_counter(counter, lock):
    n = counter.value
    n = n + 1
    counter.value = n


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    workers = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value
