import threading
from multiprocessing import Process, Queue

stage = {"name": "idle"}


def _watch(done):
    while not done.wait(timeout=5.0):
        print("[watchdog] still at:", stage["name"], flush=True)


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
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()

    done = threading.Event()
    watchdog = threading.Thread(target=_watch, args=(done,))
    watchdog.start()
    stage["name"] = "producing"
    source.join()
    stage["name"] = "sentinels"
    for _ in workers:
        queue.put(None)
    stage["name"] = "collecting"
    collected = [results.get() for _ in range(len(items))]
    stage["name"] = "joining"
    for worker in workers:
        worker.join()
    done.set()
    watchdog.join()
    return collected
