import multiprocessing as mp


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def careful_update(shared_value, lock):
    with shared_value.get_lock():
        update_shared_value(shared_value, lock)


def run_updates(typecode, initial, processes):
    value = mp.Value(typecode, initial)
    lock = mp.Lock()
    ps = []
    for i in range(processes):
        ps.append(mp.Process(target=careful_update if i % 2 else update_shared_value, args=(value, lock)))
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return value.value


if __name__ == "__main__":
    print(run_updates("i", 0, 5))
