import time
from multiprocessing import Process, Queue


def producer(queue, items):
    polls = 0
    for item in items:
        while queue.full():
            polls += 1
            time.sleep(0.001)
        queue.put(item)
    if polls > 1000:
        print("had to look", polls, "times")


def consumer(queue, results):
    running = True
    while running:
        while queue.empty():
            time.sleep(0.001)
        item = queue.get()
        if item is None:
            running = False
        else:
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
