"""Reference solution 3: the consumer that stops at a sentinel.

The end of the work is something that is said, never something that is guessed: each consumer ends
because it took a `None`, and the main program stops reading because it has counted the results.
"""

from multiprocessing import Process, Queue


def producer(queue, items):
    """Put every item on `queue`, in order, and no sentinel.

    `put` waits by itself when the queue is full, so a bounded queue needs no extra code.
    """
    for item in items:
        queue.put(item)


def consumer(queue, results):
    """Take items until the sentinel `None`, and pass on every item before it, in order.

    `get` waits until there is something, so it does not matter how slow the producer is. `is not None`
    is true for `0`, `""`, `[]` and `False` too: only the sentinel itself ends the loop.
    """
    while (item := queue.get()) is not None:
        results.put(item)


def run_pipeline(items, consumers, maxsize=0):
    """Send `items` through one producer and `consumers` consumers; return what they consumed.

    The order of the four steps is what makes this right:

    1. Start everybody. The consumers already take items while the producer still puts, so a bounded
       queue cannot get stuck.
    2. Join the producer. A process ends only after all that it put is in the pipe, so every item now
       stands in the queue before any sentinel.
    3. Take one result per item. Afterwards nothing is left in the results' pipe that could keep a
       consumer from exiting.
    4. Join the consumers.
    """
    queue = Queue(maxsize)
    results = Queue()
    source = Process(target=producer, args=(queue, items))
    workers = [Process(target=consumer, args=(queue, results)) for _ in range(consumers)]
    for process in [source, *workers]:
        process.start()

    source.join()
    for _ in workers:
        queue.put(None)

    consumed = [results.get() for _ in items]
    for worker in workers:
        worker.join()
    return consumed


if __name__ == "__main__":
    print(f"run_pipeline, 1 consumer:  got {run_pipeline([0, 1, 2, 3, 4], 1)}, expected [0, 1, 2, 3, 4]")

    five = sorted(run_pipeline([0, 1, 2, 3, 4], 5))
    print(f"run_pipeline, 5 consumers: got {five} (sorted), expected [0, 1, 2, 3, 4]")
