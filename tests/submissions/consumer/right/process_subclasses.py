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


class Producer(Process):
    def __init__(self, queue, items):
        super().__init__(name="producer")
        self.queue = queue
        self.items = items

    def run(self):
        producer(self.queue, self.items)


class Consumer(Process):
    def __init__(self, queue, results, number):
        super().__init__(name=f"consumer-{number}")
        self.queue = queue
        self.results = results

    def run(self):
        consumer(self.queue, self.results)


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    p = Producer(queue, items)
    cs = [Consumer(queue, results, n) for n in range(consumers)]
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
