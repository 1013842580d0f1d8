from contextlib import ExitStack
from multiprocessing import Lock, Process, Value


def increment_counter(counter, lock):
    with ExitStack() as stack:
        stack.enter_context(lock)
        counter.value += 1


def run_counter(processes):
    counter = Value("i", 0)
    lock = Lock()
    with ExitStack() as stack:
        for _ in range(processes):
            process = Process(target=increment_counter, args=(counter, lock))
            process.start()
            stack.callback(process.join)
    return counter.value
