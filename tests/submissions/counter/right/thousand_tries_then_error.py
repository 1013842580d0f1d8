import multiprocessing


def increment_counter(counter, lock):
    for attempt in range(1000):
        if lock.acquire(timeout=1.0):
            break
    else:
        raise TimeoutError("no lock after 1000 tries")
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    procs = []
    for i in range(processes):
        proc = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        procs.append(proc)
    for proc in procs:
        proc.start()
    for proc in procs:
        proc.join()
    return counter.value
