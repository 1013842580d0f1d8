from multiprocessing import Process, Queue
import time


def producer(queue, items):
    for item in items:
        print(f"Produced {item}")
        queue.put(item)
        time.sleep(0.5)


def consumer(queue, results):
    while True:
        item = queue.get()
        if item is None:
            break
        print(f"Consumed {item}")
        results.put(item)
        time.sleep(1)


def run_pipeline(items, consumers, maxsize=0):
    queue = Queue(maxsize)
    results = Queue()
    p = Process(target=producer, args=(queue, items))
    cs = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    p.start()
    for c in cs:
        c.start()
    p.join()
    for _ in cs:
        queue.put(None)
    out = [results.get() for _ in range(len(items))]
    for c in cs:
        c.join()
    return out
