from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    history = []
    while len(history) < 4:
        with lock:
            now = counter.value
            if history and history[-1] == now:
                counter.value = now + 1
                return
        history.append(now)
    counter.value = history[-1] + 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
