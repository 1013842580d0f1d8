"""Exercise 3: the consumer that stops at a sentinel.

A producer puts items on a queue, a consumer takes them off. How does the consumer know that nothing
more will come? Not by looking: an empty queue may only mean that the producer is slow today. So the
main program says it, by putting a special last item on the queue, the sentinel `None`.

    producer --> queue --> consumer --> results --> main program

Nothing here may depend on how long anything takes: no `sleep`, and no timeout, can make it right.

Run this file to try your code:      python consumer.py
Ask for every possible order:        grader check consumer.py
"""

import multiprocessing


def producer(queue, items):
    """Put every item of `items` on `queue`, in order. Return nothing.

    Why no sentinel here: the producer does not know how many consumers there are. The main program
    does, and puts one `None` for each.
    """
    # TODO: your code here.
    raise NotImplementedError("write producer")


def consumer(queue, results):
    """Take items from `queue` until you take `None`; put the others on `results`, in the same order.

    After the `None` take nothing more, put nothing more, and return. `results` is a
    `multiprocessing.Queue`, because a list of this process would never reach the main program.

    Why exactly one `None`: each consumer has its own. Who takes a second one leaves another consumer
    waiting for ever.
    Pitfall: `0`, `""`, `[]` and `False` are ordinary items, so `if not item` stops too early.
    Pitfall: `queue.empty()` says nothing about what is still to come.
    """
    # TODO: your code here.
    raise NotImplementedError("write consumer")


def run_pipeline(items, consumers, maxsize=0):
    """Send `items` through one producer and `consumers` consumers. Return the list of consumed items.

    Create `Queue(maxsize)` and a queue for the results, start the producer process and all consumer
    processes, so that all are alive together. When the producer has ended, put one `None` per consumer.
    Wait for all of them. With one consumer the list has the order of `items`, with more consumers any
    order will do.

    Why wait for the producer first: a `None` that is put earlier may overtake its last items.
    Pitfall: take everything out of the results before you join the consumers. A process whose queued
    data nobody reads may never exit: a pipe holds only about 64 kB.
    """
    # TODO: your code here.
    raise NotImplementedError("write run_pipeline")


if __name__ == "__main__":
    one_queue, one_results = multiprocessing.Queue(), multiprocessing.Queue()
    producer(one_queue, [0, 1, 2])
    one_queue.put(None)
    consumer(one_queue, one_results)
    print(f"consumer on 0, 1, 2, None: got {[one_results.get() for _ in range(3)]}, expected [0, 1, 2]")

    print(f"run_pipeline, 1 consumer:  got {run_pipeline([0, 1, 2, 3, 4], 1)}, expected [0, 1, 2, 3, 4]")

    five = sorted(run_pipeline([0, 1, 2, 3, 4], 5))
    print(f"run_pipeline, 5 consumers: got {five} (sorted), expected [0, 1, 2, 3, 4]")
