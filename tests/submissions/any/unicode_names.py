from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    arbeiter_ü = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in arbeiter_ü:
        worker.start()
    for worker in arbeiter_ü:
        worker.join()
    print("fünf ✓ 🔒")
    return counter.value
