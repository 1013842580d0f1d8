import multiprocessing


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    processes_list = []
    for _ in range(processes):
        p = multiprocessing.Process(target=update_shared_value, args=(shared_value, lock))
        processes_list.append(p)
        p.start()
    for p in processes_list:
        p.join()
    return shared_value.value


if __name__ == '__main__':
    print(f"Updated shared value: {run_updates('i', 0, 5)}")
