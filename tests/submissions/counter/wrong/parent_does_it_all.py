import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value = counter.value + 1


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    for i in range(processes):
        increment_counter(counter, lock)
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
