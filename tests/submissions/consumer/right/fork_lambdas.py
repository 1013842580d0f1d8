from multiprocessing import get_context


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
    ctx = get_context("fork")
    queue = ctx.Queue(maxsize=maxsize)
    results = ctx.Queue()
    source = ctx.Process(target=lambda: producer(queue, items), daemon=True)
    sinks = [ctx.Process(target=lambda: consumer(queue, results), daemon=True) for _ in range(consumers)]
    source.start()
    for sink in sinks:
        sink.start()
    source.join()
    for _ in sinks:
        queue.put(None)
    out = []
    for _ in items:
        out.append(results.get())
    for sink in sinks:
        sink.join()
    return out
