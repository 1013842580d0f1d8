import multiprocessing as mp


def update_shared_value(shared_value, lock):
    lock.acquire()
    try:
        shared_value.value += 1
    finally:
        lock.release()


def update_shared_array(shared_array, lock):
    with lock:
        new = list(shared_array)
        for x in shared_array:
            new[new.index(x)] = x + 1
        shared_array[:] = new


def run_updates(typecode, initial, processes):
    v = mp.Value(typecode, initial)
    lock = mp.Lock()
    workers = [mp.Process(target=update_shared_value, args=(v, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return v.value
