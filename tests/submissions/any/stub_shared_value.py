"""Exercise 2: updating a shared Value and a shared Array.

`multiprocessing.Value` puts one number into shared memory, `multiprocessing.Array` a row of numbers.
A typecode says which kind of number: "i" is an int, "d" a float, "l" a long int, and so on.

What you learnt about the counter holds for each of them: an update is a read and then a write, and
another process can come in between unless both happen under one lock.

Run this file to try your code:      python shared_value.py
Ask for every possible order:        grader check shared_value.py
"""

import multiprocessing


def update_shared_value(shared_value, lock):
    """Add 1 to `shared_value.value` while holding `lock`. Return nothing.

    `shared_value` is a `multiprocessing.Value` of any numeric typecode, `lock` is a
    `multiprocessing.Lock()`.

    Why any typecode: 2.5 plus 1 is 3.5. Let the value stay the kind of number that it is.
    Pitfall: a value that you read before you hold the lock may be out of date when you write.
    """
    # TODO: your code here.
    raise NotImplementedError("write update_shared_value")


def update_shared_array(shared_array, lock):
    """Add 1 to every element of `shared_array` while holding `lock`. Return nothing.

    `shared_array` is a `multiprocessing.Array` of any length, even of length 0.

    Why you may choose: hold the lock around each element, or once around the whole loop. Both are
    right; the first lets others in between two elements, the second is simpler.
    Pitfall: `for x in shared_array: x += 1` changes only the variable `x`, never the array.
    """
    # TODO: your code here.
    raise NotImplementedError("write update_shared_array")


def run_updates(typecode, initial, processes):
    """Let `processes` processes call `update_shared_value` once each. Return the final value.

    Create `Value(typecode, initial)` and one lock, start all processes, then wait for all of them.

    Why one lock: two processes with a lock each never wait for one another.
    Pitfall: `Process(target=update_shared_value(...))` calls the function here and now, in this
    process. Give the function itself as `target`, and what it needs as `args`.
    """
    # TODO: your code here.
    raise NotImplementedError("write run_updates")


if __name__ == "__main__":
    one_value = multiprocessing.Value("d", 2.5)
    update_shared_value(one_value, multiprocessing.Lock())
    print(f"update_shared_value on 2.5:          got {one_value.value}, expected 3.5")

    one_array = multiprocessing.Array("i", [1, 2, 3])
    update_shared_array(one_array, multiprocessing.Lock())
    print(f"update_shared_array on [1, 2, 3]:    got {one_array[:]}, expected [2, 3, 4]")

    print(f"run_updates from 10, 5 processes:    got {run_updates('i', 10, 5)}, expected 15")
