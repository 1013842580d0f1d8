import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    for i in range(processes):
        p = mp.Process(target=increment_counter, args=(counter, lock))
        p.start()
    p.join()
    return counter.value
