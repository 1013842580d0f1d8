import itertools
from multiprocessing import Lock, Process, Value

DELAIS = (0.005, 0.01, 0.02, 0.05)


def prendre(verrou):
    # on essaie jusqu'a ce que ca marche
    for essai, delai in enumerate(itertools.cycle(DELAIS), start=1):
        if verrou.acquire(timeout=delai):
            return essai


def update_shared_value(shared_value, lock):
    prendre(lock)
    try:
        shared_value.value += 1
    finally:
        lock.release()


def update_shared_array(shared_array, lock):
    essais = 0
    for position in range(len(shared_array)):
        essais += prendre(lock)
        try:
            shared_array[position] += 1
        finally:
            lock.release()
    if essais > 2 * len(shared_array):
        print("beaucoup d'essais:", essais)


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
