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


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    source.start()
    for worker in workers:
        worker.start()
    rounds = 0
    while source.is_alive() and rounds < 30:
        source.join(timeout=1)
        rounds += 1
    for _ in workers:
        queue.put(None)
    collected = [results.get() for _ in items]
    source.join()
    for worker in workers:
        worker.join()
    return collected
