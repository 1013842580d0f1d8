from multiprocessing import Lock, Process, Value

calls = 0


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    global calls
    calls += 1
    counter = Value("i", 0)
    lock = Lock()
    workers = []
    for _ in range(processes):
        if calls > 2:
            lock = Lock()
        workers.append(Process(target=increment_counter, args=(counter, lock)))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
