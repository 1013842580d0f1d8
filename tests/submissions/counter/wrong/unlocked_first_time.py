import multiprocessing


def increment_counter(counter, lock):
    if counter.value == 0:
        counter.value += 1
    else:
        with lock:
            counter.value += 1


def run_counter(processes):
    lock = multiprocessing.Lock()
    counter = multiprocessing.Value('i', 0)

    jobs = []
    for n in range(processes):
        jobs.append(multiprocessing.Process(target=increment_counter, args=(counter, lock)))

    for job in jobs:
        job.start()

    for job in jobs:
        job.join()

    return counter.value


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
