from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    held = []
    while True:
        item = queue.get()
        if item is not None:
            held.append(item)
        if item is None or len(held) == 25:
            for one in held:
                results.put(one)
            held = []
        if item is None:
            return


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    out = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return out
