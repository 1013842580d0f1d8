import multiprocessing as mp


def producer(queue, items):
    i = 0
    while i < len(items):
        queue.put(items[i])
        i += 1


def consumer(queue, results):
    running = True
    while running:
        item = queue.get()
        if item is None:
            running = False
        else:
            results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = mp.Queue(maxsize), mp.Queue()
    prod = mp.Process(target=producer, args=(queue, items))
    workers = [mp.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for worker in workers:
        worker.start()
    prod.start()
    prod.join()
    [queue.put(None) for _ in workers]
    out = []
    while len(out) != len(items):
        out.append(results.get())
    [worker.join() for worker in workers]
    return out
