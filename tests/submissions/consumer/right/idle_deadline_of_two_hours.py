import time
from multiprocessing import Process, Queue
from queue import Empty

IDLE_LIMIT = 7200.0


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    last = time.monotonic()
    while True:
        try:
            item = queue.get(timeout=5.0)
        except Empty:
            if time.monotonic() - last > IDLE_LIMIT:
                raise TimeoutError("nothing came for two hours") from None
            continue
        last = time.monotonic()
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
