import multiprocessing as mp


def increment_counter(lock, counter):
    with lock:
        counter.value += 1


def run_counter(processes):
    lock = mp.Lock()
    counter = mp.Value('i', 0)

    jobs = []
    for n in range(processes):
        jobs.append(mp.Process(target=increment_counter, args=(counter, lock)))

    for job in jobs:
        job.start()

    for job in jobs:
        job.join()

    return counter.value
