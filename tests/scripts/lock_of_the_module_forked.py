"""A forked process has the lock of the module."""

import multiprocessing

lock = multiprocessing.get_context("fork").Lock()


def work(value):
    with lock:
        value.value += 1


if __name__ == "__main__":
    spawn = multiprocessing.get_context("fork")
    value = spawn.Value("i", 0)
    processes = [spawn.Process(target=work, args=(value,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(value.value)
