import multiprocessing


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    for i in range(len(shared_array)):
        shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    ps = []
    for i in range(processes):
        p = multiprocessing.Process(target=update_shared_value, args=(shared_value, lock))
        ps.append(p)
        p.start()
    for p in ps:
        p.join()
    return shared_value.value


if __name__ == '__main__':
    print(run_updates('d', 0.5, 5))
