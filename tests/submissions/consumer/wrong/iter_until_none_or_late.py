from multiprocessing import Process, Queue
from queue import Empty


def _fetcher(queue):
    def fetch():
        try:
            return queue.get(timeout=2)
        except Empty:
            print("nothing there")

    return fetch


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in iter(_fetcher(queue), None):
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
