from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with lock:
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


if __name__ == "__main__":
    print("Final counter:", run_counter(5))
