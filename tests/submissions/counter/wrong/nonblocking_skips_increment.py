from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    got_it = lock.acquire(False)
    if got_it:
        counter.value += 1
        lock.release()


def run_counter(processes):
    lock = Lock()
    counter = Value('i', 0)

    jobs = []
    for n in range(processes):
        jobs.append(Process(target=increment_counter, args=(counter, lock)))

    for job in jobs:
        job.start()

    for job in jobs:
        job.join()

    return counter.value
