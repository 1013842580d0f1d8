import multiprocessing as mp


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in iter(queue.get, None):
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = mp.Queue(maxsize)
    results = mp.Queue()
    p = mp.Process(target=producer, args=(queue, items))
    cs = [mp.Process(target=consumer, args=(queue, results), daemon=True) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    return [results.get() for _ in items]


if __name__ == "__main__":
    print(run_pipeline([0, 1, 2, 3, 4], 1))
