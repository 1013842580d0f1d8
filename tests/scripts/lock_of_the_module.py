"""A spawned process imports the module anew, and has a lock of its own."""

import multiprocessing

lock = multiprocessing.get_context("spawn").Lock()


def work(value):
    with lock:
        value.value += 1


if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    value = spawn.Value("i", 0)
    processes = [spawn.Process(target=work, args=(value,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(value.value)
