import multiprocessing as mp


def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = mp.Value("i", 0)
    locks = [mp.Lock() for _ in range(processes // 2 + 1)]
    ps = []
    for i in range(processes):
        p = mp.Process(target=increment_counter, args=(counter, locks[i // 2]))
        ps.append(p)
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value


if __name__ == '__main__':
    print(run_counter(5))
