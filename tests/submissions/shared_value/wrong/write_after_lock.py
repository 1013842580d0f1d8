import multiprocessing as mp


def update_shared_value(shared_value, lock):
    with lock:
        new = shared_value.value + 1
    shared_value.value = new


def update_shared_array(shared_array, lock):
    for i in range(len(shared_array)):
        with lock:
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    v = mp.Value(typecode, initial)
    lock = mp.Lock()
    workers = [mp.Process(target=update_shared_value, args=(v, lock)) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return v.value


if __name__ == '__main__':
    print(run_updates('d', 0.5, 5))
