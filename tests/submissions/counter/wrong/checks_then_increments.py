from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    while True:
        old = counter.value
        if counter.value == old:
            counter.value = old + 1
            break


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    ps = []
    for i in range(processes):
        p = Process(target=increment_counter, args=(counter, lock))
        p.start()
        ps.append(p)
    for p in ps:
        p.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
