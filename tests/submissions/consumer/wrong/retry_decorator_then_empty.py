import functools
import time
from multiprocessing import Process, Queue
from queue import Empty


def retry(times, error, pause):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            tries_left = times
            while True:
                try:
                    return function(*args)
                except error:
                    tries_left -= 1
                    if not tries_left:
                        raise
                    time.sleep(pause)

        return wrapper

    return decorate


@retry(times=10, error=Empty, pause=0.1)
def take(queue):
    return queue.get(timeout=0.5)


def producer(queue, items):
    for item in items:
        queue.put(item)


def consumer(queue, results):
    while (item := take(queue)) is not None:
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    queue, results = Queue(maxsize), Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in (source, *workers):
        process.start()
    source.join()
    for _ in workers:
        queue.put(None)
    collected = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return collected
