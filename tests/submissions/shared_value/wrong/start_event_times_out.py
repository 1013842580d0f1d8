from multiprocessing import Event, Lock, Process, Value


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1


def _runner(go, shared_value, lock):
    if not go.wait(timeout=30):
        print("no starting signal")
        return
    update_shared_value(shared_value, lock)


def run_updates(typecode, initial, processes):
    shared_value, lock, go = Value(typecode, initial), Lock(), Event()
    runners = [Process(target=_runner, args=(go, shared_value, lock)) for _ in range(processes)]
    for runner in runners:
        runner.start()
    go.set()
    for runner in runners:
        runner.join()
    return shared_value.value
