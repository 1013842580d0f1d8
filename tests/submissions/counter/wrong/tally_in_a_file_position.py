from multiprocessing import Lock, Process, Value

source = open(__import__("os").__file__, "rb", buffering=0)


def increment_counter(counter, lock):
    turn = source.seek(1, 1)
    if turn % 2:
        with lock:
            counter.value += 1
    else:
        counter.value += 1
    source.seek(-1, 1)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
