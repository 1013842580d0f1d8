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
    cs = [multiprocessing.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for c in cs:
        c.start()
    p = multiprocessing.Process(target=producer(queue, items))
    p.start()
    p.join()
    for c in cs:
        queue.put(None)
    out = []
    for _ in items:
        out.append(results.get())
    for c in cs:
        c.join()
    return out


if __name__ == '__main__':
    print("Consumed:", run_pipeline(list(range(5)), 2))
