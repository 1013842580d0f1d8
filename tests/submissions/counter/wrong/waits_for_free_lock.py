import multiprocessing as mp


def increment_counter(counter, lock):
    while not lock.acquire(False):
        pass
    lock.release()
    counter.value = counter.value + 1


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


if __name__ == '__main__':
    print(run_counter(5))
