import itertools
import queue as queue_module
import random
import time
from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        for attempt in itertools.count(1):
            try:
                queue.put(item, timeout=0.1)
                break
            except queue_module.Full:
                if attempt % 10 == 0:
                    print("queue is full, attempt", attempt)


def consumer(queue, results):
    idle = 0
    while True:
        try:
            item = queue.get_nowait()
        except queue_module.Empty:
            idle += 1
            time.sleep(random.uniform(0.001, 0.004))
            continue
        if item is None:
            print("idle looks:", idle)
            return
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
