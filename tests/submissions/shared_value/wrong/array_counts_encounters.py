import multiprocessing

def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1



def update_shared_array(shared_array, lock):
    met = 0
    for _ in range(4):
        if not lock.acquire(block=False):
            met += 1
            lock.acquire()
        lock.release()
    with lock:
        for index in range(len(shared_array)):
            if met < 3:
                shared_array[index] += 1


def run_updates(typecode, initial, processes):
    shared_value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
