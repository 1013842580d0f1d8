from multiprocessing import Event, Process, Queue
from multiprocessing.connection import wait


def producer(queue, items):
    iterator = iter(items)
    end = object()
    while (item := next(iterator, end)) is not end:
        queue.put(item, block=True, timeout=None)


def consumer(queue, results):
    item = 0
    while item is not None:
        item = queue.get(True)
        if item is not None:
            results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for q in (p, *cs):
        q.start()
    wait([p.sentinel])
    p.join()
    for i in range(consumers):
        queue.put(None)
    received = list()
    while len(received) != len(items):
        received += [results.get()]
    alive = {c.sentinel: c for c in cs}
    while alive:
        for sentinel in wait(list(alive)):
            alive.pop(sentinel).join()
    return received
