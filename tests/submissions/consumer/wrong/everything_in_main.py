import multiprocessing


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    item = queue.get()
    while item is not None:
        results.put(item)
        item = queue.get()


def run_pipeline(items, consumers, maxsize=0):
    queue = multiprocessing.Queue(maxsize)
    results = multiprocessing.Queue()
    producer(queue, items)
    for _ in range(consumers):
        queue.put(None)
    for _ in range(consumers):
        consumer(queue, results)
    return [results.get() for _ in items]


if __name__ == "__main__":
    print(run_pipeline([0, 1, 2, 3, 4], 1))
