from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    lock.acquire()
    shared_value.value += 1
    print(f"new value {sharedvalue.value}")
    lock.release()


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


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
