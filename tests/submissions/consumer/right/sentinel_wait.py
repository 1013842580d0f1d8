from multiprocessing import Process, Queue
from multiprocessing.connection import wait


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
    p.start()
    cs = []
    for _ in range(consumers):
        c = Process(target=consumer, args=(queue, results))
        c.start()
        cs.append(c)
    wait([p.sentinel])
    p.join()
    for _ in cs:
        queue.put(None)
    out = [results.get() for _ in items]
    while cs:
        cs.pop().join()
    return out
