import multiprocessing


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    ctx = multiprocessing.get_context("spawn")
    fork = multiprocessing.get_context("fork")
    counter = ctx.Value("i", 0)
    lock = fork.Lock()
    ps = [ctx.Process(target=increment_counter, args=(counter, lock)) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(5))
