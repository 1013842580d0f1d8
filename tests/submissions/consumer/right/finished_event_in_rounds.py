from multiprocessing import Event, Process, Queue


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        results.put(item)


def _produce(queue, items, finished):
    producer(queue, items)
    finished.set()


def run_pipeline(items, consumers, maxsize=0):
    queue, results, finished = Queue(maxsize), Queue(), Event()
    source = Process(target=_produce, args=(queue, items, finished))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    seconds = 0.0
    while not finished.wait(timeout=0.2):
        seconds += 0.2
        if seconds > 5:
            print("the producer is slow today")
            seconds = 0.0
    source.join()
    for _ in workers:
        queue.put(None)
    collected = []
    while len(collected) != len(items):
        collected.append(results.get())
    for worker in workers:
        worker.join()
    return collected
