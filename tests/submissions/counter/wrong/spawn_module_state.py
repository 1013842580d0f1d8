import multiprocessing as mp

ctx = mp.get_context("spawn")
counter = ctx.Value("i", 0)
lock = ctx.Lock()


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def worker():
    increment_counter(counter, lock)


def run_counter(processes):
    ps = [ctx.Process(target=worker) for _ in range(processes)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    return counter.value


if __name__ == "__main__":
    print(run_counter(4))
