import os
import time
from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    began = time.perf_counter()
    while (item := queue.get()) is not None:
        print(os.getpid(), time.strftime("%d.%m. %H:%M:%S"), round(time.perf_counter() - began, 3))
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in [source, *workers]:
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    consumed = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return consumed
