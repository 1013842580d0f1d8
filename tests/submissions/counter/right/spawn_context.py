import multiprocessing as mp


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    context = mp.get_context("spawn")
    counter = context.Value("i", 0)
    lock = context.Lock()
    workers = [context.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(5))
