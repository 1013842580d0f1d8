import logging
from multiprocessing import Process, Queue
from queue import Full

log = logging.getLogger(__name__)


def producer(queue, items):
    for item in items:
        for attempt in range(5):
            try:
                queue.put(item, timeout=1)
                break
            except Full:
                log.info("full, attempt %d", attempt)
        else:
            log.error("could not deliver %r", item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
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
