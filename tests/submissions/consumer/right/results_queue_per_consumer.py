from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def worker(queue, results):
    consumer(queue, results)
    results.put(None)


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    p = Process(target=producer, args=(queue, items))
    pairs = []
    for _ in range(consumers):
        results = Queue()
        pairs.append((Process(target=worker, args=(queue, results)), results))
    p.start()
    for c, _ in pairs:
        c.start()
    p.join()
    for _ in pairs:
        queue.put(None)
    out = []
    for c, results in pairs:
        out.extend(iter(results.get, None))
        c.join()
    return out
