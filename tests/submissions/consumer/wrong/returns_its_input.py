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
    return list(items)


if __name__ == "__main__":
    print(run_pipeline([0, 1, 2, 3, 4], 1))
