import multiprocessing as mp

mp.set_start_method("spawn", force=True)


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = mp.Value("i", 0)
    lock = mp.Lock()
    jobs = [mp.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(4))
