"""Reference solution 2: updating a shared Value and a shared Array.

Every update is a read and a write under one lock. The code never converts the number, so it is right
for every typecode.
"""

from multiprocessing import Lock, Process, Value


def update_shared_value(shared_value, lock):
    """Add 1 to `shared_value.value` while holding `lock`.

    Both the read and the write that hide in `+=` are inside the `with` block, so no other process can
    come between them. A float stays a float, because 1 is added and nothing is converted.
    """
    with lock:
        shared_value.value += 1


def update_shared_array(shared_array, lock):
    """Add 1 to every element of `shared_array` while holding `lock`.

    The index is needed to write back: the loop variable of `for x in shared_array` is only a copy. One
    lock around the whole loop means that nobody ever sees an array that is half updated. An array of
    length 0 needs no special case: its loop has no rounds.
    """
    with lock:
        for index in range(len(shared_array)):
            shared_array[index] += 1


def run_updates(typecode, initial, processes):
    """Let `processes` processes call `update_shared_value` once each, and return the final value.

    All share one value and one lock, and all are started before the first is waited for. After the
    last `join` the value can no longer change.
    """
    shared_value = Value(typecode, initial)
    lock = Lock()
    workers = [Process(target=update_shared_value, args=(shared_value, lock)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return shared_value.value


if __name__ == "__main__":
    print(f"run_updates from 10, 5 processes:  got {run_updates('i', 10, 5)}, expected 15")
    print(f"run_updates from 0.5, 5 processes: got {run_updates('d', 0.5, 5)}, expected 5.5")
