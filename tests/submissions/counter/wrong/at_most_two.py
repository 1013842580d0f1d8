from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    p1 = Process(target=increment_counter, args=(counter, lock))
    p2 = Process(target=increment_counter, args=(counter, lock))
    workers = [p1, p2][:processes]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
