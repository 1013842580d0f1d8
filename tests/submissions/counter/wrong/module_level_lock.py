from multiprocessing import Lock, Process, Value


my_lock = Lock()


def increment_counter(counter, lock):
    with my_lock:
        counter.value += 1


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
