from multiprocessing import Lock, Process, Value

lock = Lok()


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1
