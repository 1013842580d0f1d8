import multiprocessing

ctx = multiprocessing.get_context("fork")


def increment_counter(counter, lock):
    with lock:
        counter.value += 1


def run_counter(processes):
    counter = ctx.Value("i", 0)
    lock = ctx.Lock()

    def work():
        increment_counter(counter, lock)

    workers = [ctx.Process(target=work) for _ in range(processes)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return counter.value
