from multiprocessing import Process, Queue


class End:
    pass


def producer(queue, items):
    list(map(queue.put, items))


def consumer(queue, results):
    def pump(item):
        if item is None:
            return False
        results.put(item)
        return True

    while pump(queue.get()):
        continue


def _consume(queue, results):
    try:
        consumer(queue, results)
    finally:
        results.put(End)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    maker = Process(target=producer, args=(queue, items), daemon=True)
    takers = [Process(target=_consume, args=(queue, results), daemon=True) for _ in range(consumers)]
    for process in [maker] + takers:
        process.start()
    maker.join()
    for _ in takers:
        queue.put(None)
    out, ends = [], 0
    while ends < consumers:
        got = results.get()
        if got is End:
            ends += 1
        else:
            out.append(got)
    for process in takers:
        process.join()
    return out
