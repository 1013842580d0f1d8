import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter, lock = mp.Value("i", 0), mp.Lock()
    jobs = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    [job.start() for job in jobs]
    [job.join() for job in jobs]
    return counter.value
