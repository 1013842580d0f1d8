from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    for i in range(len(shared_array)):
        x = shared_array[i]
        with lock:
            shared_array[i] = x + 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    ps = []
    for i in range(processes):
        p = Process(target=update_shared_value, args=(shared_value, lock))
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return shared_value.value
