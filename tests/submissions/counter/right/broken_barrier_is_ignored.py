import threading
from multiprocessing import Barrier, Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def _worker(gate, counter, lock):
    try:
        gate.wait(timeout=0.5)
    except threading.BrokenBarrierError:
        print("not everybody came in time, starting anyway")
    increment_counter(counter, lock)


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    gate = Barrier(max(1, processes))
    workers = [Process(target=_worker, args=(gate, counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(5))
