"""A subclass with a `run` of its own, which starts another thread."""

import threading


class Worker(threading.Thread):
    def __init__(self, depth):
        super().__init__()
        self.depth = depth
        self.result = None

    def run(self):
        self.result = self.depth
        if self.depth:
            inner = Worker(self.depth - 1)
            inner.start()
            inner.join()
            self.result += inner.result


if __name__ == "__main__":
    worker = Worker(2)
    worker.start()
    worker.join()
    print(worker.result)
