from multiprocessing import Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = Value("i", 0)
    ps = [Process(target=increment_counter, args=(counter,)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value
