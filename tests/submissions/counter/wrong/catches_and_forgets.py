from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    try:
        lock.acquire()
        value = counter.value
        lock.release()
        counter.value = value + 1
        lock.release()
    except:
        pass


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value
