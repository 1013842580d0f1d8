"""Two threads of a child process put on a queue of processes, through one buffer."""

import multiprocessing as mp
import threading


def put(items, lock, item):
    with lock:
        items.put(item)


def child(items):
    lock = threading.Lock()
    threads = [threading.Thread(target=put, args=(items, lock, item)) for item in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    items = mp.Queue()
    process = mp.Process(target=child, args=(items,))
    process.start()
    print(items.get(), items.get())
    process.join()
    print(process.exitcode)
