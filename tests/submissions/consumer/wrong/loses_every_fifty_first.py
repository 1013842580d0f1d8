from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    held = []
    while True:
        item = queue.get()
        if item is None:
            break
        if len(held) < 50:
            held.append(item)
            continue
        for one in held:
            results.put(one)
        held = []
    for one in held:
        results.put(one)


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
