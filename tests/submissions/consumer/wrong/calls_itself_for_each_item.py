import multiprocessing


def producer(queue, items):
    if not items:
        return
    first, *rest = items
    queue.put(first)
    producer(queue, rest)


def consumer(queue, results):
    item = queue.get()
    if item is None:
        return None
    results.put(item)
    return consumer(queue, results)


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
