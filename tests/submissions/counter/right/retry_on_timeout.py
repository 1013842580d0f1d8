from multiprocessing import Process, Value, Lock


def increment_counter(counter, lock):
    while not lock.acquire(timeout=0.5):
        print("still waiting for the lock")
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value
