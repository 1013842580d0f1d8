from multiprocessing import Process, Queue
from queue import Empty


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def collect(results, expected):
    found, misses = [], 0
    while len(found) < expected and misses < 12:
        try:
            found.append(results.get(timeout=1))
        except Empty:
            misses += 1
    return found


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    collected = collect(results, len(items))
    for worker in workers:
        worker.join()
    return collected
