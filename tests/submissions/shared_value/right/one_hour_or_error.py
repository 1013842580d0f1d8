from multiprocessing import Lock, Process, Value

ONE_HOUR = 3600.0


class StuckError(RuntimeError):
    pass


def _take(lock):
    if not lock.acquire(timeout=ONE_HOUR):
        raise StuckError(f"lock not free within {ONE_HOUR:.0f} seconds")


def update_shared_value(shared_value, lock):
    _take(lock)
    try:
        shared_value.value += 1
    finally:
        lock.release()


def update_shared_array(shared_array, lock):
    _take(lock)
    try:
        for i in range(len(shared_array)):
            shared_array[i] += 1
    finally:
        lock.release()


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
