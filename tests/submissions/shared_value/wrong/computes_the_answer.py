def update_shared_value(shared_value, lock):
    lock.acquire()
    try:
        shared_value.value += 1
    finally:
        lock.release()


def update_shared_array(shared_array, lock):
    for i in range(len(shared_array)):
        with lock:
            shared_array[i] += 1


def run_updates(typecode, initial, processes):
    return initial + processes


if __name__ == '__main__':
    print(run_updates('d', 0.5, 5))
