from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    item = queue.get()
    if item is not None:
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    for _ in range(consumers):
        queue.put(None)
    output = [results.get() for _ in range(len(items))]
    for c in cs:
        c.join()
    return output


if __name__ == "__main__":
    print(run_pipeline([0, 1, 2, 3, 4], 1))
