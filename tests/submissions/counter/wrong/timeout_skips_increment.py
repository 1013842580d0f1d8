import multiprocessing as mp


def increment_counter(counter, lock):
    if lock.acquire(timeout=5):
        try:
            counter.value += 1
        finally:
            lock.release()


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
