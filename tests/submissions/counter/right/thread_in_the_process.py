import multiprocessing
import threading


def increment_counter(counter, lock):
    def add():
        with lock:
            counter.value += 1

    thread = threading.Thread(target=add)
    thread.start()
    thread.join()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [
        multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
