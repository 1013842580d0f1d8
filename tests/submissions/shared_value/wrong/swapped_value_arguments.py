import multiprocessing as mp


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = mp.Value(initial, typecode)
    lock = mp.Lock()
    ps = [mp.Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return shared_value.value


if __name__ == '__main__':
    print(run_updates('d', 0.5, 5))
