import multiprocessing
from queue import Empty


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    for item in iter(queue.get, None):
        results.put(item)


def _available(results):
    """Yields what can be had at once."""
    while True:
        try:
            yield results.get_nowait()
        except Empty:
            return


def run_pipeline(items, consumers, maxsize=0):
    queue = multiprocessing.Queue(maxsize)
    results = multiprocessing.Queue()
    source = multiprocessing.Process(target=producer, args=(queue, items))
    workers = [multiprocessing.Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    source.start()
    for worker in workers:
        worker.start()

    collected = []
    rounds = 0
    while source.is_alive():
        rounds += 1
        source.join(timeout=0.05)
        collected.extend(_available(results))
        print(f"round {rounds}: {len(collected)} of {len(items)}")
    source.join()
    for _ in workers:
        queue.put(None)
    while len(collected) < len(items):
        try:
            collected.append(results.get(timeout=0.2))
        except Empty:
            print("waiting for the last ones")
    for worker in workers:
        worker.join()
    return collected
