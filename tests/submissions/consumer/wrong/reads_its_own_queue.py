from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    out = []
    for _ in items:
        out.append(queue.get())
    p.join()
    for c in cs:
        queue.put(None)
    for c in cs:
        c.join()
    return out


if __name__ == "__main__":
    print(run_pipeline([0, 1, 2, 3, 4], 1))
