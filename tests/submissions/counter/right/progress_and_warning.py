import sys
import time
from multiprocessing import Lock, Process, Value

PATIENCE = 5.0


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def _wait_for(workers):
    began = time.monotonic()
    warned = False
    rounds = 0
    pending = list(workers)
    while pending:
        pending[0].join(timeout=0.05)
        pending = [worker for worker in pending if worker.is_alive()]
        rounds += 1
        sys.stderr.write(f"\rround {rounds}: {len(workers) - len(pending)} of {len(workers)} done")
        if not warned and time.monotonic() - began > PATIENCE:
            warned = True
            sys.stderr.write("\nthis takes longer than expected\n")
    sys.stderr.write("\n")


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    _wait_for(workers)
    for worker in workers:
        worker.join()
    return counter.value
