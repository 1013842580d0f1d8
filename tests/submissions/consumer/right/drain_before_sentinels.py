import multiprocessing as mp


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = mp.Queue(maxsize)
    results = mp.Queue()
    p = mp.Process(target=producer, kwargs=dict(queue=queue, items=items))
    cs = [mp.Process(target=consumer, kwargs=dict(queue=queue, results=results)) for _ in range(consumers)]
    for c in cs:
        c.start()
    p.start()
    out = [results.get() for _ in items]
    p.join()
    for _ in cs:
        queue.put(None)
    for c in cs:
        c.join()
    return out
