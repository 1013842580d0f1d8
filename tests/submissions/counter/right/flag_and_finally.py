from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    taken = False
    try:
        taken = lock.acquire(block=True, timeout=None)
        counter.value = counter.value + 1
    finally:
        if taken:
            lock.release()


def run_counter(processes):
    shared = dict(counter=Value("i", 0), lock=Lock())
    started = []
    for number, _ in enumerate(range(processes), start=1):
        started.append(Process(target=increment_counter, kwargs=shared, name=f"adder {number}"))
        started[-1].start()
    while started:
        started.pop().join()
    return shared["counter"].value
