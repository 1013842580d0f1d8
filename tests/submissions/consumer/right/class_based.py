import multiprocessing as mp


class Pipeline:
    def __init__(self, items, consumers, maxsize):
        self.items, self.consumers = list(items), consumers
        self.queue, self.results = mp.Queue(maxsize), mp.Queue()

    def __enter__(self):
        self.source = mp.Process(target=producer, args=(self.queue, self.items))
        self.sinks = [mp.Process(target=consumer, args=(self.queue, self.results)) for _ in range(self.consumers)]
        for process in (self.source, *self.sinks):
            process.start()
        return self

    def collect(self):
        self.source.join()
        for _ in self.sinks:
            self.queue.put(None)
        for _ in self.items:
            yield self.results.get()

    def __exit__(self, *exc):
        for sink in self.sinks:
            sink.join()


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        match queue.get():
            case None:
                return
            case item:
                results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    with Pipeline(items, consumers, maxsize) as pipeline:
        return [*pipeline.collect()]
