import multiprocessing

noise = multiprocessing.RawValue("i", 0)


def make_noise():
    for number in range(60):
        noise.value = number


def increment_counter(counter, lock):
    make_noise()
    counter.value += 1
    make_noise()


def run_counter(processes):
    counter = multiprocessing.Value("i", 0)
    lock = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value
