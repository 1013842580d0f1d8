from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def worker_a(value, lock, print_lock):
    with print_lock:
        print("updating")
        update_shared_value(value, lock)


def worker_b(value, lock, print_lock):
    with lock:
        with print_lock:
            print("updating")
    update_shared_value(value, lock)


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    print_lock = Lock()
    ps = []
    for i in range(processes):
        target = worker_a if i % 2 == 0 else worker_b
        ps.append(Process(target=target, args=(value, lock, print_lock)))
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
