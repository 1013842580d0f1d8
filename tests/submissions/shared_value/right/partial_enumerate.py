import functools
import multiprocessing as mp
import operator


def locked(function):
    @functools.wraps(function)
    def wrapper(shared, lock):
        lock.acquire()
        try:
            return function(shared, lock)
        finally:
            lock.release()

    return wrapper


@locked
def update_shared_value(shared_value, lock):
    shared_value.value = operator.add(shared_value.value, 1)


@locked
def update_shared_array(shared_array, lock):
    for index, item in enumerate(shared_array):
        shared_array[index] = item + 1


def run_updates(typecode, initial, processes):
    lock = mp.Lock()
    value = mp.Value(typecode, initial)
    job = functools.partial(update_shared_value, value, lock)
    workers = list(map(lambda _: mp.Process(target=job), range(processes)))
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return value.value
