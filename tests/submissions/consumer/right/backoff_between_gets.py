from multiprocessing import Process, Queue
from queue import Empty


class PatientReader:
    def __init__(self, queue):
        self.queue = queue
        self.misses = 0
        self.timeout = 0.01

    def read(self):
        while True:
            try:
                item = self.queue.get(timeout=self.timeout)
            except Empty:
                self.misses += 1
                self.timeout = min(self.timeout * 2, 1.0)
            else:
                self.timeout = 0.01
                return item


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    reader = PatientReader(queue)
    item = reader.read()
    while item is not None:
        results.put(item)
        item = reader.read()


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
