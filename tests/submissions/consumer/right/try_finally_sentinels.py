from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)
    queue.close()
    queue.join_thread()


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
    try:
        p.start()
        for c in cs:
            c.start()
        p.join()
        for _ in cs:
            queue.put(None)
        return [results.get() for _ in items]
    finally:
        for c in cs:
            c.join()
