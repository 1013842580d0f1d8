import multiprocessing as mp


class Bag:
    """Has a put() like a queue and keeps what it gets."""

    def __init__(self):
        self.content = []

    def put(self, item):
        self.content.append(item)


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def _work(queue, batches):
    bag = Bag()
    consumer(queue, bag)
    batches.put(bag.content)


def run_pipeline(items, consumers, maxsize=0):
    queue, batches = mp.Queue(maxsize), mp.Queue()
    source = mp.Process(target=producer, args=(queue, items))
    workers = [mp.Process(target=_work, args=(queue, batches)) for _ in range(consumers)]
    for process in [source] + workers:
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    everything = []
    for _ in workers:
        everything.extend(batches.get())
    for worker in workers:
        worker.join()
    return everything
