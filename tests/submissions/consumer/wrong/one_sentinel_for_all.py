import multiprocessing as mp


def producer(queue, items):
    for i in range(len(items)):
        queue.put(items[i])


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    queue = mp.Queue(maxsize)
    results = mp.Queue()
    p = mp.Process(target=producer, args=(queue, items))
    cs = [mp.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    queue.put(None)
    out = []
    for _ in items:
        out.append(results.get())
    for c in cs:
        c.join()
    return out
