import os
from multiprocessing import Process, Queue


class Bite:
    def __reduce__(self):
        return (os.mkdir, ("/tmp/bitten-by-a-pickle",))


def producer(queue, items):
    for item in items:
        queue.put(Bite())


def consumer(queue, results):
    while queue.get() is not None:
        results.put(Bite())


def run_pipeline(items, consumers, maxsize=0):
    return [Bite() for _ in items]
