import multiprocessing


def producer(queue, items):
    if len(items) > 1:
        middle = len(items) // 2
        producer(queue, items[:middle])
        producer(queue, items[middle:])
    elif items:
        queue.put(items[0])


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    context = multiprocessing.get_context()
    queue, results = context.Queue(maxsize), context.Queue()
    p = context.Process(target=producer, args=(queue, items))
    p.start()
    cs = []
    for _ in range(consumers):
        cs.append(context.Process(target=consumer, args=(queue, results)))
        cs[-1].start()
    p.join()
    [queue.put(None) for _ in cs]
    got = [results.get() for _ in items]
    [c.join() for c in cs]
    queue.close()
    results.close()
    queue.join_thread()
    return got
