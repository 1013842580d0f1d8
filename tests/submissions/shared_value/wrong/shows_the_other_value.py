import multiprocessing

def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    with lock:
        for index in range(len(shared_array)):
            shared_array[index] += 1



def unlocked(shown, kept, lock):
    with lock:
        shown.value += 1
    kept.value += 1


def run_updates(typecode, initial, processes):
    shown = multiprocessing.Value(typecode, initial)
    kept = multiprocessing.Value(typecode, initial)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=unlocked, args=(shown, kept, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return kept.value if shown.value != kept.value else shown.value
