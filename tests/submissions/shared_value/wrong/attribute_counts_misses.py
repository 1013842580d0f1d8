from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    while not lock.acquire(timeout=0.5):
        update_shared_value.misses += 1
        if update_shared_value.misses > 5:
            print("no luck today")
            return
    try:
        shared_value.value += 1
    finally:
        lock.release()


update_shared_value.misses = 0


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
