import time
from multiprocessing import Process, Queue
from queue import Empty


def pauses(times):
    for n in range(times):
        yield min(0.0005 * n, 0.005)


def take(queue):
    for pause in pauses(50):
        try:
            return queue.get_nowait()
        except Empty:
            time.sleep(pause)
    return queue.get()


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := take(queue)) is not None:
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
