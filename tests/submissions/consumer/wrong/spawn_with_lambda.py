import multiprocessing

mp = multiprocessing.get_context("spawn")


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = mp.Queue(maxsize)
    results = mp.Queue()
    p = mp.Process(target=lambda: producer(queue, items))
    cs = [mp.Process(target=lambda: consumer(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    for _ in cs:
        queue.put(None)
    out = [results.get() for _ in items]
    for c in cs:
        c.join()
    return out


if __name__ == "__main__":
    print(run_pipeline([0, 1, 2, 3, 4], 2))
