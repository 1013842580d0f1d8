from dataclasses import dataclass
from multiprocessing import Process, Queue
from typing import Any


@dataclass(frozen=True)
class Envelope:
    number: int
    content: Any


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def _number(envelope):
    return envelope.number


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    post = [Envelope(number, item) for number, item in enumerate(items)]
    source = Process(target=producer, args=(queue, post))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    arrived = [results.get() for _ in post]
    for worker in workers:
        worker.join()
    return [envelope.content for envelope in sorted(arrived, key=_number)]


if __name__ == "__main__":
    print(run_pipeline(["a", 0, "", [1, 2]], 2))
