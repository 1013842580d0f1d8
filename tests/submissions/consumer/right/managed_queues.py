from multiprocessing import Manager, Process


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    with Manager() as manager:
        queue, results = manager.Queue(maxsize), manager.Queue()
        source = Process(target=producer, args=(queue, items))
        workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
        for process in (source, *workers):
            process.start()
        source.join()
        for _ in workers:
            queue.put(None)
        for worker in workers:
            worker.join()
        return [results.get() for _ in items]
