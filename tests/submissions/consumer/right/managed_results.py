from multiprocessing import Manager, Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    with Manager() as manager:
        queue, results = Queue(maxsize), manager.Queue()
        workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
        workers.append(Process(target=producer, args=(queue, items)))
        for worker in workers:
            worker.start()
        workers.pop().join()
        for _ in workers:
            queue.put(None)
        for worker in workers:
            worker.join()
        received = []
        while len(received) < len(items):
            received.append(results.get_nowait())
        return received
