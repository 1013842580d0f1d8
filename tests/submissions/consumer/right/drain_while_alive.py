from multiprocessing import Process, Queue
from queue import Empty


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
    results = Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    for _ in cs:
        queue.put(None)
    out = []
    while any(c.is_alive() for c in cs) or not results.empty():
        try:
            out.append(results.get(timeout=0.1))
        except Empty:
            pass
    for c in cs:
        c.join()
    return out
