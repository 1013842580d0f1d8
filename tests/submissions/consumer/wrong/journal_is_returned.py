from multiprocessing import Manager, Process, Queue
from queue import Empty


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        try:
            item = queue.get(timeout=1)
        except Empty:
            return
        if item is None:
            return
        results.put(item)


def _produce(queue, items, journal):
    journal.extend(items)
    producer(queue, items)


def run_pipeline(items, consumers, maxsize=0):
    with Manager() as manager:
        journal = manager.list()
        queue, results = Queue(maxsize), Queue()
        source = Process(target=_produce, args=(queue, items, journal))
        workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
        for process in (source, *workers):
            process.start()
        source.join()
        for _ in workers:
            queue.put(None)
        while any(worker.is_alive() for worker in workers):
            try:
                results.get(timeout=0.1)
            except Empty:
                pass
        for worker in workers:
            worker.join()
        return list(journal)
