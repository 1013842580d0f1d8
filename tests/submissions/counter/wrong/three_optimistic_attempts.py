from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    for _ in range(3):
        with lock:
            before = counter.value
        with lock:
            if counter.value == before:
                counter.value = before + 1
                return
    print("the others were faster three times")


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
