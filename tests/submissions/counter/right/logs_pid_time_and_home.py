import logging
import os
import sys
from datetime import datetime
from multiprocessing import Lock, Process, Value

HOME = os.environ.get("HOME") or os.path.expanduser("~")
log = logging.getLogger("counter")
log.addHandler(logging.StreamHandler(sys.stderr))


def increment_counter(counter, lock):
    log.warning("process %d (of %d) in %s, %s", os.getpid(), os.getppid(), HOME, os.path.isdir(HOME))
    print(f"{datetime.now():%A %H:%M:%S.%f}", os.times().user)
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    workers = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(60 % 17))
