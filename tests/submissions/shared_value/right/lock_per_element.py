import multiprocessing as mp


def update_shared_value(shared_value, lock):
    lock.acquire()
    shared_value.value = shared_value.value + 1
    lock.release()


def update_shared_array(shared_array, lock):
    for i in range(len(shared_array)):
        lock.acquire()
        shared_array[i] = shared_array[i] + 1
        lock.release()


def run_updates(typecode, initial, processes):
    value = mp.Value(typecode, initial)
    lock = mp.Lock()
    workers = [mp.Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    [w.start() for w in workers]
    [w.join() for w in workers]
    return value.value
