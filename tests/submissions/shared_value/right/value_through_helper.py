from multiprocessing import Lock, Process, Value


def locked_add(lock, get, put):
    with lock:
        put(get() + 1)


def update_shared_value(shared_value, lock):
    def put(new):
        shared_value.value = new

    locked_add(lock, lambda: shared_value.value, put)


def update_shared_array(shared_array, lock):
    for i in range(len(shared_array)):
        locked_add(lock, lambda: shared_array[i], lambda new: shared_array.__setitem__(i, new))


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
