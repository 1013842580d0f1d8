from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def _is_plain(queue):
    return (type(queue).__module__, type(queue).__name__) == ("multiprocessing.queues", "Queue")


def consumer(queue, results):
    plain = _is_plain(queue)
    while not (plain and queue.empty()):
        item = queue.get()
        if item is None:
            return
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    collected = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return collected
