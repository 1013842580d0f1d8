from multiprocessing import Process, Queue, SimpleQueue


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
    queue = Queue(maxsize)
    results = SimpleQueue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    out = []
    while len(out) < len(items):
        out.append(results.get())
    p.join()
    for c in cs:
        queue.put(None)
    for c in cs:
        c.join()
    return out
