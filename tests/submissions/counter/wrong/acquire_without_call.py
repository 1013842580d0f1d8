import multiprocessing


def increment_counter(counter, lock):
    lock.acquire
    counter.value += 1
    lock.release()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    ps = []
    for i in range(processes):
        p = multiprocessing.Process(target=increment_counter, args=(counter, lock))
        p.start()
        ps.append(p)
    for p in ps:
        p.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
