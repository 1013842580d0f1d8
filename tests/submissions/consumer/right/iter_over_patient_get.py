from functools import partial
from multiprocessing import Process, Queue
from queue import Empty

looks = 0


def get_patiently(queue, seconds=0.1):
    global looks
    while True:
        looks += 1
        try:
            return queue.get(True, seconds)
        except Empty:
            if looks % 100 == 0:
                print("looked", looks, "times")


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in iter(partial(get_patiently, queue), None):
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
