from multiprocessing import Barrier, Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def _together(gate, work, *args):
    gate.wait(timeout=20)
    work(*args)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    gate = Barrier(consumers + 1)
    source = Process(target=_together, args=(gate, producer, queue, items))
    workers = [Process(target=_together, args=(gate, consumer, queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    collected = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return collected
