from multiprocessing import Array, Lock, Process, Value


def warm_up(rounds):
    scratch, own_lock = Array("i", 8), Lock()
    total = Value("l", 0)
    for i in range(rounds):
        with own_lock:
            scratch[i % 8] += i
            total.value += scratch[i % 8]
    return total.value


def update_shared_value(shared_value, lock):
    before = warm_up(20)
    with lock:
        shared_value.value += 1
    after = warm_up(20)
    assert before == after


def update_shared_array(shared_array, lock):
    warm_up(10)
    with lock:
        for i in range(len(shared_array)):
            shared_array[i] += 1
    warm_up(10)


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
