import multiprocessing


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in iter(queue.get, None):
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = multiprocessing.Queue(maxsize)
    results = multiprocessing.Queue()
    ps, cs = [], []
    for _ in range(consumers):
        ps.append(multiprocessing.Process(target=producer, args=(queue, items)))
        cs.append(multiprocessing.Process(target=consumer, args=(queue, results)))
    for x in ps + cs:
        x.start()
    for p in ps:
        p.join()
    for _ in range(consumers):
        queue.put(None)
    out = [results.get() for _ in range(len(items) * consumers)]
    for c in cs:
        c.join()
    return out


if __name__ == '__main__':
    print("Consumed:", run_pipeline(list(range(5)), 2))
