"""A producer and a consumer on a queue with one place."""

import queue
import threading


def produce(items):
    for item in (1, 2, None):
        items.put(item)


def consume(items, seen):
    while (item := items.get()) is not None:
        seen.append(item)


if __name__ == "__main__":
    items, seen = queue.Queue(1), []
    threads = [
        threading.Thread(target=produce, args=(items,)),
        threading.Thread(target=consume, args=(items, seen)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(seen)
