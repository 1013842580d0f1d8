import random
import time
from multiprocessing import Process, Queue
from queue import Empty


def arriving(queue, patience=7):
    misses = 0
    while misses < patience:
        try:
            item = queue.get_nowait()
        except Empty:
            misses += 1
            time.sleep(random.uniform(0.1, 0.3) * misses)
            continue
        misses = 0
        if item is None:
            return
        yield item


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in arriving(queue):
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
