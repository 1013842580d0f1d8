"""Threads in the clothes of processes."""

from multiprocessing.dummy import Process, Queue


def work(items, item):
    items.put(item)


if __name__ == "__main__":
    items = Queue()
    workers = [Process(target=work, args=(items, item)) for item in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(sorted([items.get(), items.get()]), [worker.exitcode for worker in workers])
