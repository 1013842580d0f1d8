import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    ps = []
    for i in range(processes // 2):
        a = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        b = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        a.start()
        b.start()
        ps += [a, b]
    for p in ps:
        p.join()
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))
