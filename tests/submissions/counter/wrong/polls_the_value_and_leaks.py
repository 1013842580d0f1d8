import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    for _ in range(processes):
        multiprocessing.Process(target=increment_counter, args=(counter, lock)).start()
    while counter.value < processes:
        pass
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))
