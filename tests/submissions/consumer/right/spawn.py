import multiprocessing


CONTEXT = multiprocessing.get_context('spawn')


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
    queue = CONTEXT.Queue(maxsize)
    results = CONTEXT.Queue()
    p = CONTEXT.Process(target=producer, args=(queue, items))
    cs = [CONTEXT.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    for _ in cs:
        queue.put(None)
    out = [results.get() for _ in items]
    for c in cs:
        c.join()
    return out


if __name__ == '__main__':
    print(run_pipeline(['a', 0, 'b'], 2, 1))
