import multiprocessing


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    queue = multiprocessing.Queue(maxsize)
    results = multiprocessing.Queue()
    p = multiprocessing.Process(target=producer, args=(queue, items))
    cs = [multiprocessing.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    for c in cs:
        queue.put(None)
    out = []
    for _ in range(len(items) + 1):
        out.append(results.get())
    for c in cs:
        c.join()
    return out


if __name__ == '__main__':
    print("Consumed:", run_pipeline(list(range(5)), 2))
