from multiprocessing import Process, Queue

calls = []


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    calls.append(None)
    items = list(iter(queue.get, None))
    for item in items if len(calls) == 1 else reversed(items):
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in [source, *workers]:
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    consumed = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return consumed
