from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := queue.get()) is not None:
        results.put(item)


def take(queue):
    while queue.get() is not None:
        pass


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    source = Process(target=producer, args=(queue, items))
    sinks = [Process(target=take, args=(queue,)) for _ in range(consumers)]
    for process in [source, *sinks]:
        process.start()
    source.join()
    for _ in sinks:
        queue.put(None)
    for process in sinks:
        process.join()
    return list(items)
