from multiprocessing import Lock, Process, Value


def timeouts():
    """0.01, 0.02, 0.03 and so on, from 0.2 on always 0.2."""
    hundredths = 1
    while True:
        yield hundredths / 100
        if hundredths < 20:
            hundredths += 1


def make_counting_acquire(lock):
    misses = 0

    def acquire(seconds):
        nonlocal misses
        if lock.acquire(True, seconds):
            return True
        misses += 1
        if misses % 50 == 0:
            print("misses so far:", misses)
        return False

    return acquire


def increment_counter(counter, lock):
    acquire = make_counting_acquire(lock)
    for seconds in timeouts():
        if acquire(seconds):
            counter.value += 1
            lock.release()
            return


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    crowd = [Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    [p.start() for p in crowd]
    [p.join() for p in crowd]
    return counter.value


if __name__ == "__main__":
    print(run_counter(5))
