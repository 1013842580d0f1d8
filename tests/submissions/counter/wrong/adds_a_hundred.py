import multiprocessing as mp


def increment_counter(counter, lock):
    for _ in range(100):
        with lock:
            counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = []
    for i in range(processes):
        p = mp.Process(target=increment_counter, args=(counter, lock))
        p.start()
        ps.append(p)
    for p in ps:
        p.join()
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))
