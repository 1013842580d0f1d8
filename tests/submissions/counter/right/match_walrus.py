from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    match lock.acquire():
        case True:
            try:
                counter.value = (now := counter.value) + 1
                assert counter.value == now + 1
            finally:
                lock.release()
        case _:
            raise RuntimeError("no lock")


def run_counter(processes):
    counter, lock = Value("i", 0), Lock()
    running = {}
    while (number := len(running)) < processes:
        (worker := Process(target=increment_counter, args=(counter, lock))).start()
        running[number] = worker
    for worker in running.values():
        worker.join()
    with lock:
        return counter.value
