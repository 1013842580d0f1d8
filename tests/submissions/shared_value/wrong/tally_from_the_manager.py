from multiprocessing import Lock, Manager, Process, Value


def update_shared_value(shared_value, lock):
    if lock.acquire(block=False):
        try:
            shared_value.value += 1
        finally:
            lock.release()
    else:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def _worker(shared_value, lock, tally):
    update_shared_value(shared_value, lock)
    with lock:
        tally.total += 1


def run_updates(typecode, initial, processes):
    lock = Lock()
    shared_value = Value(typecode, initial)
    with Manager() as manager:
        tally = manager.Namespace(total=shared_value.value)
        workers = [Process(target=_worker, args=(shared_value, lock, tally)) for _ in range(processes)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return tally.total
