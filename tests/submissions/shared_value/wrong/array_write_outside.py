from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        new = [x + 1 for x in shared_array]
    for i, x in enumerate(new):
        shared_array[i] = x


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


if __name__ == "__main__":
    print("Updated value:", run_updates("i", 0, 5))
