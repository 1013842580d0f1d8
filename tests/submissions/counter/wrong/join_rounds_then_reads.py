from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def wait_for(process):
    for second in range(20):
        process.join(timeout=1)
        if not process.is_alive():
            return True
        print(process.name, "still works after", second + 1, "s")
    return False


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    finished = [wait_for(worker) for worker in workers]
    if not all(finished):
        print("giving up on", finished.count(False), "processes")
    return counter.value
