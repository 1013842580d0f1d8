from multiprocessing import Event, Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def wait_and_increment(go, counter, lock):
    go.wait()
    increment_counter(counter, lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    go = Event()
    ps = [Process(target=wait_and_increment, args=(go, counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    go.set()
    for p in ps:
        p.join()
        p.close()
    return counter.value
