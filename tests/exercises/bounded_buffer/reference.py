"""The bounded buffer: a solution that passes every check."""

import multiprocessing

HEAD, SIZE = 0, 1


def produce(items, slots, state, condition):
    """Put every item into a free slot."""
    for item in items:
        with condition:
            while state[SIZE] == len(slots):
                condition.wait()
            slots[(state[HEAD] + state[SIZE]) % len(slots)] = item
            state[SIZE] += 1
            condition.notify_all()


def consume(number, slots, state, condition, total):
    """Take so many items, oldest first, and add them up."""
    for _ in range(number):
        with condition:
            while state[SIZE] == 0:
                condition.wait()
            total.value += slots[state[HEAD]]
            state[HEAD] = (state[HEAD] + 1) % len(slots)
            state[SIZE] -= 1
            condition.notify_all()


def run_buffer(items, capacity, consumers):
    """Pass `items` through a buffer of `capacity` slots. Return the sum of what the consumers took."""
    slots = multiprocessing.Array("i", capacity)
    state = multiprocessing.Array("i", 2)
    total = multiprocessing.Value("i", 0)
    condition = multiprocessing.Condition()
    workers = [multiprocessing.Process(target=produce, args=(items, slots, state, condition))]
    share = len(items) // consumers
    for _ in range(consumers):
        arguments = (share, slots, state, condition, total)
        workers.append(multiprocessing.Process(target=consume, args=arguments))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return total.value
