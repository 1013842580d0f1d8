import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    for _ in range(processes):
        p = mp.Process(target=increment_counter, args=(counter, lock), daemon=True)
        p.start()
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))
