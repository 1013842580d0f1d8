import multiprocessing as mp

CHUNK = 50


def update_shared_value(shared_value, lock):
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    # let others in between two chunks
    for start in range(0, len(shared_array), CHUNK):
        stop = min(start + CHUNK, len(shared_array))
        with lock:
            part = shared_array[start:stop]
            for offset, number in enumerate(part):
                shared_array[start + offset] = number + 1


def run_updates(typecode, initial, processes):
    shared_value = mp.Value(typecode, initial)
    lock = mp.Lock()
    workers = []
    for _ in range(processes):
        workers.append(mp.Process(target=update_shared_value, args=(shared_value, lock)))
        workers[-1].start()
    for worker in workers:
        worker.join()
    return shared_value.value


if __name__ == "__main__":
    numbers = mp.Array("i", range(120))
    update_shared_array(numbers, mp.Lock())
    print(numbers[:3], "...", numbers[-3:])
