import multiprocessing


def increment_counter(counter, lock):
    lock.acquire()
    try:
        counter.value += 1
    finally:
        lock.release()


def run_counter(processes):
    counter = 0
    lock = multiprocessing.Lock()
    ps = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
