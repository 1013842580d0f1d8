import time
from multiprocessing import Array, Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def _enter(me, level, victim):
    n = len(level)
    for step in range(1, n):
        level[me] = step
        victim[step] = me
        while victim[step] == me and any(level[k] >= step for k in range(n) if k != me):
            time.sleep(0.001)


def _leave(me, level):
    level[me] = 0


def _worker(me, level, victim, counter, lock):
    _enter(me, level, victim)
    increment_counter(counter, lock)
    _leave(me, level)


def run_counter(processes):
    counter, lock = Value("i", 0), Lock()
    level = Array("i", processes)
    victim = Array("i", processes)
    workers = [Process(target=_worker, args=(me, level, victim, counter, lock)) for me in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
