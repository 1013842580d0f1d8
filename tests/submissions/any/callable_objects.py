from multiprocessing import Lock, Process, Value


class Increment:
    def __call__(self, counter, lock):
        with lock:
            counter.value += 1


increment_counter = Increment()


def start_all(counter, lock, count):
    ps = [Process(target=increment_counter, args=(counter, lock)) for _ in range(count)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value


run_counter = lambda processes: start_all(Value("i", 0), Lock(), processes)
