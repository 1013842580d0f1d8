import multiprocessing as mp


total = 0


def increment_counter(counter, lock):
    global total
    with lock:
        total += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return total
