import multiprocessing as mp


def producer(queue, items):
    for i in range(len(items)):
        queue.put(items[i])


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = mp.Queue(maxsize)
    results = mp.Queue()
    p = mp.Process(target=producer, args=(queue, items))
    cs = [mp.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    p.join()
    for c in cs:
        queue.put(None)
    for c in cs:
        c.start()
        c.join()
    out = []
    for _ in items:
        out.append(results.get())
    return out
