from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    previous = None
    for _ in range(processes):
        p = Process(target=update_shared_value, args=(shared_value, lock))
        p.start()
        if previous is not None:
            previous.join()
        previous = p
    if previous is not None:
        previous.join()
    return shared_value.value


if __name__ == "__main__":
    print("Updated value:", run_updates("i", 0, 5))
