import multiprocessing

def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1



def update_shared_array(shared_array, lock):
    for index in range(len(shared_array)):
        lock.acquire()
        value = shared_array[index]
        if index == 200:
            lock.release()
            lock.acquire()
        shared_array[index] = value + 1
        lock.release()


def run_updates(typecode, initial, processes):
    shared_value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
