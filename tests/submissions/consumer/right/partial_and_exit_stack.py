from contextlib import ExitStack
from functools import partial
from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def started(target):
    process = Process(target=target)
    process.start()
    return process


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    source = started(partial(producer, queue, items))
    with ExitStack() as stack:
        for _ in range(consumers):
            stack.callback(started(partial(consumer, queue, results)).join)
        source.join()
        for _ in range(consumers):
            queue.put(None)
        consumed = [results.get() for _ in items]
    queue.close()
    results.close()
    return consumed
