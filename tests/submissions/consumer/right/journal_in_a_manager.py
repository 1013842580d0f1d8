from multiprocessing import Manager, Process, Queue


class Journal:
    """Looks like a queue to the consumer, writes into a managed list."""

    def __init__(self, rows):
        self._rows = rows

    def put(self, item):
        self._rows.append(item)


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
    with Manager() as manager:
        rows = manager.list()
        queue = Queue(maxsize)
        source = Process(target=producer, args=(queue, items))
        workers = [Process(target=consumer, args=(queue, Journal(rows))) for _ in range(consumers)]
        for process in (source, *workers):
            process.start()
        source.join()
        for _ in workers:
            queue.put(None)
        for worker in workers:
            worker.join()
        return list(rows)
