"""The bounded buffer.

A producer hands items to consumers through a buffer with few slots. Who finds it full, or empty, waits on a condition.
"""


def run_buffer(items, capacity, consumers):
    """Pass `items` (ints above 0) through a buffer of `capacity` slots. Return the sum of what the consumers took.

    Start one producer and `consumers` consumer processes, all alive together, and wait for them. The buffer is a
    `multiprocessing.Array`, guarded by one `multiprocessing.Condition`. `len(items)` is a multiple of `consumers`.
    """
    # TODO: your code here.
    raise NotImplementedError("write run_buffer")
