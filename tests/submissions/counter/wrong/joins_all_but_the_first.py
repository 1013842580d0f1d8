import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    ps = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps[1:]:
        p.join()
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))
