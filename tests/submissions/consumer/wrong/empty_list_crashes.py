from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    print("first item:", items[0])
    p.start()
    for c in cs:
        c.start()
    p.join()
    for c in cs:
        queue.put(None)
    out = []
    for _ in items:
        out.append(results.get())
    for c in cs:
        c.join()
    return out
