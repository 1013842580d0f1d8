from multiprocessing import Condition, Lock, Process, Value


def update_shared_value(shared_value, lock):
    changed = Condition(lock)
    with changed:
        shared_value.value += 1
        changed.notify_all()


def update_shared_array(shared_array, lock):
    changed = Condition(lock)
    with changed:
        for i, number in enumerate(shared_array):
            shared_array[i] = number + 1
        changed.notify_all()


def run_updates(typecode, initial, processes):
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value
