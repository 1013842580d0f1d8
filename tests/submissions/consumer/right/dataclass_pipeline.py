from __future__ import annotations

import multiprocessing as mp
from dataclasses import dataclass, field
from typing import Any


def producer(queue: mp.Queue, items: list[Any]) -> None:
    for item in items:
        queue.put(item)


def consumer(queue: mp.Queue, results: mp.Queue) -> None:
    while (item := queue.get()) is not None:
        results.put(item)


@dataclass
class Pipeline:
    items: list[Any]
    consumers: int
    maxsize: int = 0
    workers: list[mp.Process] = field(default_factory=list)

    def start(self) -> None:
        self.queue = mp.Queue(self.maxsize)
        self.results = mp.Queue()
        self.source = mp.Process(target=producer, args=(self.queue, self.items), name="source")
        self.source.start()
        for number in range(self.consumers):
            worker = mp.Process(target=consumer, args=(self.queue, self.results), name=f"sink{number}")
            worker.start()
            self.workers.append(worker)

    def finish(self) -> None:
        self.source.join()
        for _ in self.workers:
            self.queue.put(None)

    def drain(self) -> list[Any]:
        consumed = [self.results.get() for _ in self.items]
        for worker in self.workers:
            worker.join()
        return consumed


def run_pipeline(items: list[Any], consumers: int, maxsize: int = 0) -> list[Any]:
    pipeline = Pipeline(items, consumers, maxsize)
    pipeline.start()
    pipeline.finish()
    return pipeline.drain()
