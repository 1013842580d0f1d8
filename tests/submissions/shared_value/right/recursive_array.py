from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_range(shared_array, lock, first, last):
    if first == last:
        return
    if last - first == 1:
        with lock:
            shared_array[first] += 1
        return
    middle = (first + last) // 2
    update_range(shared_array, lock, first, middle)
    update_range(shared_array, lock, middle, last)


def update_shared_array(shared_array, lock):
    update_range(shared_array, lock, 0, len(shared_array))


def run_updates(typecode, initial, processes):
    value = Value(typecode, initial)
    lock = Lock()
    ps = [Process(target=update_shared_value, args=(value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value
