import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    ps = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value == processes


if __name__ == '__main__':
    print(run_counter(5))
