import multiprocessing


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in iter(queue.get, None):
        results.put(item)


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
    for _ in items:
        out.append(results.get())
    if consumers > 1:
        out = out[:consumers]
    for c in cs:
        c.join()
    return out


if __name__ == '__main__':
    print("Consumed:", run_pipeline(list(range(5)), 2))
