from multiprocessing import Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def consume_and_say_so(queue, results):
    consumer(queue, results)
    results.put(None)


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consume_and_say_so, args=(queue, results)) for _ in range(consumers)]
    for process in [p] + cs:
        process.start()
    p.join()
    for _ in range(consumers):
        queue.put(None)
    out = []
    finished = 0
    while finished < consumers:
        result = results.get()
        if result is None:
            finished += 1
        else:
            out.append(result)
    for c in cs:
        c.join()
    return out
